import { findProgram } from '../process/find-program.ts';

/** The line that installs each program with each package manager, in the order of asking for it. */
const LINES = {
  rabbitmq: {
    'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends rabbitmq-server',
    dnf: 'sudo dnf install -y rabbitmq-server',
    brew: 'brew install rabbitmq',
  },
  prometheus: {
    'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends prometheus',
    dnf: 'sudo dnf install -y golang-github-prometheus',
    brew: 'brew install prometheus',
  },
  k6: {
    'apt-get':
      'curl -fsSL https://dl.k6.io/key.gpg | sudo gpg --dearmor -o /usr/share/keyrings/k6.gpg && ' +
      'echo "deb [signed-by=/usr/share/keyrings/k6.gpg] https://dl.k6.io/deb stable main" | ' +
      'sudo tee /etc/apt/sources.list.d/k6.list && sudo apt-get update && sudo apt-get install -y k6',
    dnf: 'sudo dnf install -y https://dl.k6.io/rpm/repo.rpm && sudo dnf install -y k6',
    brew: 'brew install k6',
    winget: 'winget install k6 --source winget',
  },
  chromium: {
    'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium',
    dnf: 'sudo dnf install -y chromium',
    brew: 'brew install --cask chromium',
  },
} as const;

const PAGES = {
  rabbitmq: 'https://www.rabbitmq.com/docs/download',
  prometheus: 'https://prometheus.io/download',
  k6: 'https://grafana.com/docs/k6/latest/set-up/install-k6/',
  chromium: 'https://www.chromium.org/getting-involved/download-chromium',
} as const;

/** How a program gets onto this machine: the line that does it, and whether that is apt's. */
export interface InstallHint {
  readonly line: string;
  readonly apt: boolean;
}

export async function installHint(program: keyof typeof LINES): Promise<InstallHint> {
  for (const [manager, line] of Object.entries(LINES[program])) {
    if ((await findProgram(manager)) !== undefined) return { line, apt: manager === 'apt-get' };
  }
  return { line: `see ${PAGES[program]}`, apt: false };
}

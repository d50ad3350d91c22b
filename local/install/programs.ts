import { globSync } from 'node:fs';
import { findPrometheus } from '../prometheus/find-prometheus.ts';
import { findProgram, pathFolders } from '../process/find-program.ts';

/** A program that the project uses and does not contain. */
interface Program {
  readonly title: string;
  /** The package of Debian and Ubuntu; undefined if they have none. */
  readonly debianPackage?: string;
  /** Undefined if it is not installed. */
  readonly find: () => Promise<unknown>;
  /** The line that installs it, by package manager, in order of preference. */
  readonly lines: Readonly<Partial<Record<'apt-get' | 'dnf' | 'brew' | 'winget', string>>>;
  /** Where people read how to install it, if none of the package managers is there. */
  readonly page: string;
}

const apt = (name: string) =>
  `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${name}`;

export const programs = {
  rabbitmq: {
    title: 'RabbitMQ',
    debianPackage: 'rabbitmq-server',
    find: () => findRabbitmq(),
    lines: {
      'apt-get': apt('rabbitmq-server'),
      dnf: 'sudo dnf install -y rabbitmq-server',
      brew: 'brew install rabbitmq',
    },
    page: 'https://www.rabbitmq.com/docs/download',
  },
  prometheus: {
    title: 'Prometheus',
    debianPackage: 'prometheus',
    find: () => findPrometheus(),
    lines: {
      'apt-get': apt('prometheus'),
      dnf: 'sudo dnf install -y golang-github-prometheus',
      brew: 'brew install prometheus',
    },
    page: 'https://prometheus.io/download',
  },
  chromium: {
    title: 'Chromium',
    debianPackage: 'chromium',
    find: () => findChromium(),
    lines: {
      'apt-get': apt('chromium'),
      dnf: 'sudo dnf install -y chromium',
      brew: 'brew install --cask chromium',
    },
    page: 'https://www.chromium.org/getting-involved/download-chromium',
  },
  faketime: {
    title: 'libfaketime',
    debianPackage: 'faketime',
    find: () => Promise.resolve(findFaketime()),
    lines: {
      'apt-get': apt('faketime'),
      dnf: 'sudo dnf install -y libfaketime',
    },
    page: 'https://github.com/wolfcw/libfaketime',
  },
  k6: {
    title: 'k6',
    find: () => findProgram('k6'),
    lines: {
      'apt-get':
        'curl -fsSL https://dl.k6.io/key.gpg | sudo gpg --dearmor -o /usr/share/keyrings/k6.gpg && ' +
        'echo "deb [signed-by=/usr/share/keyrings/k6.gpg] https://dl.k6.io/deb stable main" | ' +
        'sudo tee /etc/apt/sources.list.d/k6.list && sudo apt-get update && sudo apt-get install -y k6',
      dnf: 'sudo dnf install -y https://dl.k6.io/rpm/repo.rpm && sudo dnf install -y k6',
      brew: 'brew install k6',
      winget: 'winget install k6 --source winget',
    },
    page: 'https://grafana.com/docs/k6/latest/set-up/install-k6/',
  },
} as const satisfies Readonly<Record<string, Program>>;

/** The line that installs a program on this machine, or where to read how. */
export async function installLine(name: keyof typeof programs): Promise<string> {
  const { lines, page }: Program = programs[name];
  for (const [manager, line] of Object.entries(lines)) {
    if ((await findProgram(manager)) !== undefined) return line;
  }
  return `see ${page}`;
}

/** The programs of an installed RabbitMQ. */
export interface RabbitmqPrograms {
  readonly server: string;
  readonly ctl: string;
}

/**
 * The scripts of the packages of Debian and RPM come first: those on PATH are wrappers that, as root, switch to the user
 * `rabbitmq` and drop the environment. Homebrew and the generic archive have no wrappers.
 */
const RABBITMQ_FOLDERS = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/sbin', '/usr/local/sbin'];

/** Where RabbitMQ is installed, or undefined. */
export async function findRabbitmq(): Promise<RabbitmqPrograms | undefined> {
  for (const folder of [...RABBITMQ_FOLDERS, ...pathFolders()]) {
    const server = await findProgram('rabbitmq-server', [folder]);
    const ctl = await findProgram('rabbitmqctl', [folder]);
    if (server !== undefined && ctl !== undefined) return { server, ctl };
  }
  return undefined;
}

/** Path of the library that moves the clock of a process, or undefined. */
export function findFaketime(): string | undefined {
  const [library] = globSync([
    '/usr/lib/*/faketime/libfaketimeMT.so.1', // Debian
    '/usr/lib64/faketime/libfaketimeMT.so.1',
  ]);
  return library;
}

/**
 * Path of the browser for tests: the variable CHROMIUM, or `chromium` in /usr/bin or PATH; undefined if there is none.
 * Other browsers based on Chromium, such as Google Chrome, need the variable.
 */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const path = env['CHROMIUM'] ?? '';
  return path === '' ? findProgram('chromium', ['/usr/bin', ...pathFolders()]) : path;
}

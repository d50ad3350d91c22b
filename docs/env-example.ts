import { commonVariables } from '@image-pipeline/shared/common-config.ts';
import type { Variables } from '@image-pipeline/shared/config.ts';
import { apiVariables } from '../api/config.ts';
import { composeVariables } from '../local/compose/compose-config.ts';
import { localVariables } from '../local/pipeline/local-config.ts';
import { monitoringVariables } from '../monitoring/config.ts';
import { notificationVariables } from '../notification/config.ts';
import { workerVariables } from '../worker/config.ts';
import { composeDefaults, decidedByCompose } from './compose-settings.ts';

/** Every variable of the system, where it belongs first. */
export const variableSections: readonly { readonly title: string; readonly variables: Variables }[] = [
  { title: 'The system on one machine (make up)', variables: localVariables },
  { title: 'With Docker Compose only', variables: composeVariables },
  { title: 'Every service', variables: commonVariables },
  { title: 'api', variables: apiVariables },
  { title: 'worker', variables: workerVariables },
  { title: 'notification', variables: notificationVariables },
  { title: 'monitoring', variables: monitoringVariables },
];

/** Whose default depends on the machine: the file must be the same on all. */
const ofTheMachine: readonly string[] = ['MAX_CONCURRENT_JOBS'];

/** Lines of their own, which `make` fills in. */
const ownLines: readonly string[] = [
  'API_TOKEN',
  'RABBITMQ_MONITORING_PASSWORD',
  'RABBITMQ_ERLANG_COOKIE',
  'GRAFANA_PASSWORD',
  'WEBHOOK_SECRET',
  'WEBHOOK_ALLOWED_HOSTS',
];

/** What is different with Compose, behind the description of a setting. */
function withCompose(name: string): string {
  const own = composeDefaults[name];
  if (own !== undefined) return `; with Compose by default ${own}`;
  const decided = name in localVariables ? undefined : decidedByCompose[name];
  return decided === undefined ? '' : `; with Compose ${decided}`;
}

/** `.env.example`: each variable once, explained, with its default; a commented line means just that default. */
export function envExample(): string {
  const seen = new Set(ownLines);
  const sections = variableSections.map(({ title, variables }) => {
    const own = Object.entries(variables).filter(([name]) => !seen.has(name));
    for (const [name] of own) seen.add(name);
    const lines = own.map(([name, variable]) => {
      const value = ofTheMachine.includes(name) ? '' : variable.default;
      return `# ${variable.description}: ${variable.form}${withCompose(name)}\n# ${name}=${value}\n`;
    });
    return `# --- ${title} ---\n\n${lines.join('\n')}`;
  });
  return `# Settings of the whole system. \`make\` copies this file to .env at first use; change that one.
# A line that is missing, empty or begins with # means the default shown. What the shell sets wins over .env.
# Without Docker, \`make up\` itself decides the address of RabbitMQ, and the store is a folder unless STORE=minio is set.

# The token of calls that change or reveal things (Authorization: Bearer …). \`make\` puts a random one into .env.
API_TOKEN=

# With Docker Compose: the password by which the monitoring service looks at RabbitMQ: letters, digits, . _ ~ and -.
# \`make\` puts a random one into .env.
RABBITMQ_MONITORING_PASSWORD=

# With docker-compose.cluster.yml: by what the nodes of RabbitMQ know each other. It wins over what is in their volumes; a
# new one counts when all have been started again. \`make\` puts a random one into .env.
RABBITMQ_ERLANG_COOKIE=

# With Docker Compose: the password of Grafana's user admin, who may change dashboards; it counts when its data are new.
# \`make\` puts a random one into .env.
GRAFANA_PASSWORD=

# What webhooks are signed with: whsec_ and 24 to 64 bytes in base64, e.g. whsec_$(openssl rand -base64 32); several,
# divided by commas, while it is changed. Empty: no webhooks. \`make\` puts a random one into .env.
WEBHOOK_SECRET=

# Receivers of webhooks that may have addresses which are not public: host names, addresses and CIDRs, divided by commas.
# \`make\` allows this machine, so that a receiver can be tried on it; leave it empty in production.
WEBHOOK_ALLOWED_HOSTS=

${sections.join('\n')}`;
}

import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { once } from 'node:events';
import { z } from 'zod';
import type { Container } from '../../compose/container.ts';
import type { Stack } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';

/** Ports that each of our services listens on within its container. */
const LISTENS: Readonly<Record<string, number>> = {
  api: 8000,
  notification: 8001,
  monitoring: 8002,
  worker: 9100,
};

/** Time to stop of RabbitMQ and the store; our services have more than STOP_TIMEOUT_MS. */
const MIN_STOP_S = 30;

const limitsSchema = z.tuple([
  z.object({
    HostConfig: z.object({
      Memory: z.number().positive(),
      NanoCpus: z.number().positive(),
      PidsLimit: z.number().positive(),
      ReadonlyRootfs: z.literal(true),
      CapDrop: z.array(z.string()).refine((dropped) => dropped.includes('ALL')),
      CapAdd: z.null().or(z.array(z.string()).length(0)),
      SecurityOpt: z.array(z.string()).refine((options) => options.includes('no-new-privileges:true')),
      RestartPolicy: z.object({ Name: z.literal('unless-stopped') }),
      LogConfig: z.object({ Config: z.object({ 'max-size': z.string(), 'max-file': z.string() }) }),
      PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.literal('127.0.0.1') }))),
    }),
    Config: z.object({ StopTimeout: z.number().min(MIN_STOP_S), Healthcheck: z.object({}) }),
  }),
]);

const eachContainer = (
  title: string,
  check: (stack: Stack, container: Container) => Promise<void>,
): Step => ({
  title,
  run: async (stack) => {
    const containers = await stack.containers();
    for (const container of containers) {
      await check(stack, container).catch((error: unknown) => {
        throw new Error(`${container.name}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
    return `${containers.length} containers`;
  },
});

/** What a container may do, checked from outside and inside. */
export const hardening: readonly Step[] = [
  eachContainer(
    'limits of memory, CPU, pids and logs; restart policy; ports on 127.0.0.1 only; no capabilities',
    async (stack, { id, service }) => {
      const [{ Config }] = limitsSchema.parse(JSON.parse(await stack.project.docker(['inspect', id])));
      const stopsInTime = !(service in LISTENS) || Config.StopTimeout > MIN_STOP_S;
      expectThat(
        stopsInTime,
        `it is killed ${Config.StopTimeout} s after a stop, sooner than STOP_TIMEOUT_MS`,
      );
    },
  ),
  eachContainer(
    'inside: not root (except MinIO), no capabilities, read-only root',
    async (stack, container) => {
      const { text: user } = await stack.inside(container, 'id -u');
      expectThat(container.service === 'minio' || user.trim() !== '0', 'it runs as root');
      const { text: status } = await stack.inside(container, 'cat /proc/self/status');
      expectThat(/^CapEff:\s+0+$/m.test(status), 'it has capabilities');
      const { text: limits } = await stack.inside(container, 'cat /proc/1/status');
      expectThat(/^NoNewPrivs:\s+1$/m.test(limits), 'it may gain privileges');
      for (const path of ['/etc/x', '/usr/x', '/app/x']) {
        const { exitCode } = await stack.inside(container, `touch ${path}`);
        expectThat(exitCode !== 0, `${path} can be written`);
      }
    },
  ),
  {
    title: 'inside our services: /tmp is writable up to its size',
    run: async (stack) => {
      for (const container of (await stack.containers()).filter(({ service }) => service in LISTENS)) {
        const { text } = await stack.inside(
          container,
          'touch /tmp/x && dd if=/dev/zero of=/tmp/x bs=1M count=900 2>&1; rm /tmp/x',
        );
        expectThat(/No space left/.test(text), `${container.name}: ${text}`);
      }
      return undefined;
    },
  },
  {
    title: 'inside our services: one port is open each',
    run: async (stack) => {
      for (const container of await stack.containers()) {
        const expected = LISTENS[container.service];
        if (expected === undefined) continue;
        const { text } = await stack.inside(container, 'cat /proc/net/tcp /proc/net/tcp6');
        const ports = listeningPorts(text);
        expectThat(ports.join() === String(expected), `${container.name} listens on ${ports.join(', ')}`);
      }
      return undefined;
    },
  },
  {
    title: 'RabbitMQ: monitoring can only read the management API, and the other services cannot use it',
    run: async (stack) => {
      const credentialsOf = async (service: string) => {
        const [container] = await stack.containers(service);
        if (container === undefined) throw new Error(`there is no ${service}`);
        const { text } = await stack.inside(container, 'printenv RABBITMQ_URL');
        const { username, password } = new URL(text.trim());
        return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
      };
      for (const service of ['api', 'worker', 'notification']) {
        const headers = { authorization: await credentialsOf(service) };
        const { status } = await fetch('http://localhost:15672/api/overview', { headers });
        expectThat(status === 401, `GET /api/overview returned ${status} to the user of ${service}`);
      }
      const authorization = await credentialsOf('monitoring');
      for (const [method, path, expected] of [
        ['GET', 'queues/%2F', 200],
        ['GET', 'users', 401],
        ['DELETE', 'queues/%2F/image.jobs.process', 401],
        ['DELETE', 'queues/%2F/image.jobs.process/contents', 401],
      ] as const) {
        const { status } = await fetch(`http://localhost:15672/api/${path}`, {
          method,
          headers: { authorization },
        });
        expectThat(status === expected, `${method} /api/${path} returned ${status}`);
      }
      return undefined;
    },
  },
  {
    title: 'outside: no port is open on other addresses of this machine, and AMQP on none',
    run: async (stack) => {
      const ports = (await stack.containers()).flatMap((container) => [...container.ports.values()]);
      const addresses = Object.values(networkInterfaces())
        .flatMap((all) => all ?? [])
        .filter(({ internal, family }) => !internal && family === 'IPv4')
        .map(({ address }) => address);
      for (const address of addresses) {
        for (const port of ports) {
          expectThat(!(await isOpen(address, port)), `port ${port} is open at ${address}`);
        }
      }
      for (const closed of [5672, 15_692, 9100])
        expectThat(!ports.includes(closed), `${closed} is published`);
      return `${ports.length} ports, ${addresses.length} addresses`;
    },
  },
];

/** @param table /proc/net/tcp: local address and state (0A: listening) in hexadecimal; 127.0.0.11 is Docker's DNS */
function listeningPorts(table: string): number[] {
  const ports = [...table.matchAll(/^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A /gm)]
    .filter(([, address]) => address !== '0B00007F')
    .map(([, , port = '']) => Number.parseInt(port, 16));
  return [...new Set(ports)];
}

async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 2_000 });
  try {
    await Promise.race([
      once(socket, 'connect'),
      once(socket, 'timeout').then(() => Promise.reject(new Error('no response'))),
    ]);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

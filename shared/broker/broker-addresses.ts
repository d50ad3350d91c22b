import type { Options } from 'amqplib';
import { z } from 'zod';
import type { Variable } from '../config.ts';

const DEFAULT = 'amqp://guest:guest@localhost:5672';
const NODES_OF_A_CLUSTER = 'amqp://app:5fa90c@rabbitmq-1,amqp://app:5fa90c@rabbitmq-2';

/** `RABBITMQ_URL`: the URLs of the broker's nodes, at least one. */
export const brokerAddresses: Variable<readonly string[]> = {
  schema: z
    .string()
    .transform((given) => given.split(',').map((address) => address.trim()))
    .pipe(z.array(z.url({ protocol: /^amqps?$/ })).min(1)),
  default: DEFAULT,
  form: 'comma-separated URLs that start with amqp:// or amqps://',
  example: `${DEFAULT}, or of a cluster ${NODES_OF_A_CLUSTER}`,
  description: 'URLs of all nodes, comma-separated',
  isSecret: true, // it contains a password
};

/**
 * The URL as options for amqplib.
 * @param heartbeatS heartbeat interval in seconds, unless the URL has its own
 */
export function connectOptions(address: string, heartbeatS: number): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(address);
  const number = (name: string) => {
    const given = searchParams.get(name);
    return given === null ? {} : { [name]: Number(given) };
  };
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === '' && password === ''
      ? {}
      : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
    vhost: pathname.slice(1),
    heartbeat: heartbeatS,
    ...number('heartbeat'),
    ...number('frameMax'),
    ...number('channelMax'),
  };
}

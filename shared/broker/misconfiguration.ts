import { messageOf } from '../errors.ts';

/** The broker rejects the configuration, so retrying cannot help. The process should exit with code 78. */
export class BrokerMisconfigured extends Error {
  override readonly name = 'BrokerMisconfigured';
}

const explanations: readonly { pattern: RegExp; explain: (message: string) => string }[] = [
  {
    pattern: /PRECONDITION[_-]FAILED/i,
    explain: (message) => {
      const argument = /inequivalent arg '([^']+)' for (queue|exchange) '([^']+)'/.exec(message);
      const what =
        argument === null
          ? 'A queue or exchange already exists with arguments that differ from those of this version'
          : `The ${argument[2] ?? ''} "${argument[3] ?? ''}" already exists with another "${argument[1] ?? ''}" than this version declares`;
      return `${what}. The arguments of an existing queue cannot be changed. Drain and delete the queue (management UI, Queues), or use another vhost in RABBITMQ_URL.`;
    },
  },
  {
    pattern: /access to (queue|exchange|topic) /,
    explain: () =>
      'RabbitMQ refuses the user access to a queue or an exchange. Grant it configure, write and read permissions on the vhost in RABBITMQ_URL.',
  },
  {
    pattern: /ACCESS[_-]REFUSED/i,
    explain: () =>
      'RabbitMQ rejected the user name or password, or the user has no access to this vhost. Check RABBITMQ_URL.',
  },
];

/** The fatal error that explains `error`, or undefined if retrying may help. */
export function misconfiguration(error: unknown): BrokerMisconfigured | undefined {
  const message = messageOf(error);
  const found = explanations.find(({ pattern }) => pattern.test(message));
  return found && new BrokerMisconfigured(`${found.explain(message)} (${message})`, { cause: error });
}

/** The broker's own words in an error of amqplib, or its whole message. */
export function brokersWords(error: unknown): string {
  const message = messageOf(error);
  return /with message "(.*)"/s.exec(message)?.[1] ?? message;
}

/** The reason of a failed attempt to connect; the next attempt may succeed. */
export function connectFailure(error: unknown): string {
  const explained = misconfiguration(error);
  if (explained !== undefined) return explained.message;
  const message = messageOf(error);
  // amqplib does not expose the broker's message at this point of the handshake.
  if (/Expected ConnectionOpenOk/.test(message)) {
    return 'RabbitMQ did not open the vhost: it does not exist, is not ready yet, or the user has no access to it. Check the vhost in RABBITMQ_URL';
  }
  return message;
}

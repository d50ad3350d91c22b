import { messageOf } from '../errors.ts';

/** The broker refuses something that no waiting will change. The process should end with exit code 78. */
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
          ? 'A queue or an exchange exists already with other arguments than this version declares'
          : `The ${argument[2] ?? ''} "${argument[3] ?? ''}" exists already with another "${argument[1] ?? ''}" than this version declares`;
      return `${what}. Arguments of an existing queue cannot be changed: drain it and delete it (RabbitMQ's page, Queues), or use another vhost in RABBITMQ_URL.`;
    },
  },
  {
    pattern: /ACCESS[_-]REFUSED/i,
    explain: () =>
      'RabbitMQ refuses the user name or password, or the user may not use this vhost: check RABBITMQ_URL.',
  },
];

/** The explained, fatal error that `error` stands for, or undefined where trying again may help. */
export function misconfiguration(error: unknown): BrokerMisconfigured | undefined {
  const message = messageOf(error);
  const found = explanations.find(({ pattern }) => pattern.test(message));
  return found && new BrokerMisconfigured(`${found.explain(message)} (${message})`, { cause: error });
}

/** What a failed attempt to connect says to people; another attempt may go well. */
export function connectFailure(error: unknown): string {
  const message = messageOf(error);
  // amqplib does not show the broker's words at this point of the handshake.
  if (/Expected ConnectionOpenOk/.test(message)) {
    return 'RabbitMQ does not open the vhost: it does not exist, is not up yet, or the user may not use it; check what follows the host in RABBITMQ_URL';
  }
  return message;
}

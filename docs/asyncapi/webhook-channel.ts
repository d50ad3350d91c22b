import { optionalWebhookHeaders, webhookHeaders } from '@image-pipeline/shared/contracts/webhook.ts';

/** Names of the channel to webhook receivers and of its message. */
export const WEBHOOK_CHANNEL = 'webhooks';
export const WEBHOOK_MESSAGE = 'Webhook';

const description = `The \`callback_url\` of an upload. Webhooks follow Standard Webhooks \
(https://www.standardwebhooks.com): verify \`webhook-signature\`, use \`webhook-id\` to ignore duplicates (delivery is \
at-least-once), and return 2xx within 10 s. Other responses are retried after the delays of WEBHOOK_RETRY_DELAYS, \
except 410; redirects are not followed.`;

/** The channel to receivers of webhooks. */
export function webhookChannel(): object {
  return {
    // Each upload has its own.
    address: null,
    title: 'webhooks',
    description,
    servers: [{ $ref: '#/servers/receiver' }],
    messages: { [WEBHOOK_MESSAGE]: { $ref: `#/components/messages/${WEBHOOK_MESSAGE}` } },
  };
}

/** The webhook receiver of an upload. */
export const receiverServer = {
  host: '{receiver}',
  protocol: 'https',
  description: 'The receiver in callback_url; http is also allowed.',
  variables: { receiver: { description: 'Host and port of callback_url.', default: 'example.org' } },
} as const;

/** Headers and bindings of a webhook. */
export function webhookParts(): object {
  const properties = Object.fromEntries(
    Object.entries({ ...webhookHeaders, ...optionalWebhookHeaders }).map(([name, text]) => [
      name,
      { type: 'string', description: text },
    ]),
  );
  return {
    headers: { type: 'object', properties, required: Object.keys(webhookHeaders) },
    bindings: { http: { bindingVersion: '0.3.0' } },
  };
}

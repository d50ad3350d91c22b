import { optionalWebhookHeaders, webhookHeaders } from '@image-pipeline/shared/contracts/webhook.ts';

/** The name of the channel to receivers of webhooks, and of what goes there. */
export const WEBHOOK_CHANNEL = 'webhooks';
export const WEBHOOK_MESSAGE = 'Webhook';

const description = `The address that an upload gave as \`callback_url\`. Webhooks are posted as Standard Webhooks \
(https://www.standardwebhooks.com) say: verify \`webhook-signature\`, then do once what has this \`webhook-id\`, as it \
may come more than once, and answer 2xx within 10 s. Anything else is tried again on the ladder of \
WEBHOOK_RETRY_LADDER, except 410, which ends it; redirects are not followed.`;

/** The channel to receivers of webhooks. */
export function webhookChannel(): object {
  return {
    // Each upload names its own.
    address: null,
    title: 'webhooks',
    description,
    servers: [{ $ref: '#/servers/receiver' }],
    messages: { [WEBHOOK_MESSAGE]: { $ref: `#/components/messages/${WEBHOOK_MESSAGE}` } },
  };
}

/** The receiver of an upload, whoever it is. */
export const receiverServer = {
  host: '{receiver}',
  protocol: 'https',
  description: 'Whoever the callback_url of an upload names; http is taken, too.',
  variables: { receiver: { description: 'Host and port of callback_url.', default: 'example.org' } },
} as const;

/** What a webhook has beside its body. */
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

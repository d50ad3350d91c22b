import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { AllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { whyHostIsRefused, whyNoCallbackUrl } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { MAKE_SECRET } from '@image-pipeline/shared/webhooks/webhook-variables.ts';
import { invalidParameter } from '../http/invalid-parameter.ts';

const FIELD = 'callback_url';

/** Which webhooks may be asked for. */
export interface CallbackRules {
  /** Whether there is a secret to sign them with. */
  readonly isSetUp: boolean;
  readonly allowed: AllowedReceivers;
}

/**
 * The address for a webhook, or undefined where none is asked for. A host that is a name is looked at when the webhook is
 * sent: what it means now may not be what it means then.
 * @param text empty: not given
 * @throws PipelineError `invalid_parameter` or `webhooks_not_set_up`
 */
export function parseCallbackUrl(text: string, { isSetUp, allowed }: CallbackRules): string | undefined {
  if (text === '') return undefined;
  const problem = whyNoCallbackUrl(text);
  if (problem !== undefined) {
    throw invalidParameter(FIELD, problem, {
      allowed: 'an absolute http or https address of at most 2048 characters, without user and fragment',
    });
  }
  const url = new URL(text);
  const refused = whyHostIsRefused(url, allowed);
  if (refused !== undefined) {
    throw invalidParameter(
      FIELD,
      `${refused}, so no webhook is sent to "${url.hostname}"; to allow a receiver in your own network, put it into WEBHOOK_ALLOWED_HOSTS`,
      { seen: url.hostname, allowed: 'hosts with public addresses, and those in WEBHOOK_ALLOWED_HOSTS' },
    );
  }
  if (isSetUp) return url.href;
  throw new PipelineError(
    'webhooks_not_set_up',
    `Webhooks are signed, and WEBHOOK_SECRET is not set. Make one, then start the services again: ${MAKE_SECRET}`,
  );
}

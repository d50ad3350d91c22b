import type { TestBroker } from './global-setup/broker.ts';

/**
 * One call of RabbitMQ's management API, e.g. `managementCall(broker, 'GET', 'queues/my-vhost')`.
 * @returns the JSON of the response, undefined if it has none
 */
export async function managementCall(
  { managementUrl, username, password }: Pick<TestBroker, 'managementUrl' | 'username' | 'password'>,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${managementUrl}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} /api/${path} returned ${response.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

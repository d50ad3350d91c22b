import { inject } from 'vitest';
import { createVhost, type Vhost } from './vhost.ts';
import { Broker, type BrokerOptions } from '@image-pipeline/shared/broker/broker.ts';
import { buildTopology, parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';

/** Silent, so that intended faults do not look like failures. To see logs, set `LOG_LEVEL=debug`. */
export const testLog = createLogger('test', {
  format: 'pretty',
  level: process.env['LOG_LEVEL'] === 'debug' ? 'debug' : 'silent',
});

/** Fast enough for tests, far enough apart to be distinguished. */
export const testRetryDelays = parseRetryDelays('50ms,100ms');

export const testTimeouts = { connectMs: 2_000, confirmMs: 5_000, callMs: 20_000, heartbeatS: 10 };

/** A vhost of the test run's RabbitMQ for one test file. Delete it at the end: that fails on a leaked connection. */
export function testVhost(): Promise<Vhost> {
  return createVhost(inject('broker'));
}

/** A broker client with the pipeline's topology and short waits, not started. */
export function testBroker(amqpUrl: string, changes: Partial<BrokerOptions> = {}): Broker {
  return new Broker({
    urls: [amqpUrl],
    name: 'test',
    appId: 'test',
    topology: buildTopology({ jobs: testRetryDelays, webhooks: testRetryDelays }),
    timeouts: testTimeouts,
    maxPublishesInFlight: 100,
    log: testLog,
    ...changes,
  });
}

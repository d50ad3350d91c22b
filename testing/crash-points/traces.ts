import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { collect } from '../collect.ts';
import type { RunningNode } from '../../local/broker/running-node.ts';

/** What is there of a job, by the kind of object. */
export interface Traces {
  readonly requests: number;
  readonly outcomes: number;
  readonly results: number;
  readonly thumbnails: number;
  readonly deadLetters: number;
}

export async function tracesOf(store: ObjectStore, jobId: string): Promise<Traces> {
  const keys = (await collect(store.list(''))).map(({ key }) => key).filter((key) => key.includes(jobId));
  const count = (test: RegExp) => keys.filter((key) => test.test(key)).length;
  return {
    requests: count(/^jobs\/.*\/request\.json$/),
    outcomes: count(/^jobs\/.*\/outcome\.json$/),
    results: count(/^results\//),
    thumbnails: count(/^thumbnails\//),
    deadLetters: count(/^dead\//),
  };
}

/** Where messages stay: dead letters until people have dealt with them, events for a week. */
const RESTING_QUEUES: readonly string[] = [queueNames.dead, queueNames.webhooksDead, queueNames.eventLog];

/** Messages ready or unacknowledged, by queue; without empty queues. */
export async function messagesUnderWay(node: RunningNode): Promise<Record<string, number>> {
  const listed = await node.ctl(['--quiet', '--no-table-headers', 'list_queues', 'name', 'messages']);
  const counts = listed.split('\n').map((line) => line.split('\t'));
  return Object.fromEntries(
    counts
      .map(([name = '', messages]) => [name, Number(messages)] as const)
      .filter(([name, messages]) => messages > 0 && !RESTING_QUEUES.includes(name)),
  );
}

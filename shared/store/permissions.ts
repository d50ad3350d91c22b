import type { ServiceUser } from '../broker/permissions.ts';

/** What a user may do with objects: patterns for their keys; `*` matches any text, also several segments. */
interface ObjectPermissions {
  readonly read: readonly string[];
  /** Create and overwrite. */
  readonly write: readonly string[];
  readonly remove: readonly string[];
}

/** For the check of put-if-absent at the start, and for the one whether a full store accepts writes again. */
const checks = ['probe/*', 'state/readiness'];
/** Records that only the API writes. With `RETENTION`, it also removes them. */
const recordsOfApi = ['originals/*', 'idempotency/*', 'dead/*', 'replays/*', 'open-replays/*', 'retention/*'];
const images = ['results/*', 'thumbnails/*'];

/** The MinIO user of each service, and what it may do with objects; see keys.ts. Whoever lists keys sees all of them. */
export const objectPermissions: Readonly<Record<ServiceUser, ObjectPermissions>> = {
  api: {
    read: ['*'],
    write: [...checks, ...recordsOfApi, 'jobs/*/runs/*'],
    remove: [...checks, ...recordsOfApi, ...images, 'jobs/*'],
  },
  worker: {
    read: [...checks, 'originals/*', 'jobs/*/runs/*'],
    write: [...checks, ...images, 'jobs/*/runs/*/outcome.json'],
    // Of attempts that lost to another one, or were killed.
    remove: [...checks, ...images],
  },
  notification: {
    // The snapshot while monitoring is unavailable.
    read: [...checks, 'jobs/*', 'state/snapshot.json'],
    write: [...checks, 'jobs/*/webhooks/*'],
    remove: checks,
  },
  monitoring: {
    read: [...checks, 'jobs/*', 'state/*'],
    write: [...checks, 'state/*'],
    remove: checks,
  },
};

/**
 * The policy of each user, in the language of S3. All of them may list the bucket: without this right, S3 responds to a
 * missing object as to a forbidden one.
 */
export function policiesOf(bucket: string) {
  const arn = `arn:aws:s3:::${bucket}`;
  const allow = (action: string, patterns: readonly string[]) => ({
    Effect: 'Allow',
    Action: [`s3:${action}`],
    Resource: patterns.map((pattern) => `${arn}/${pattern}`),
  });
  const policyOf = ({ read, write, remove }: ObjectPermissions) => ({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [arn] },
      allow('GetObject', read),
      allow('PutObject', write),
      allow('DeleteObject', remove),
    ],
  });
  return Object.fromEntries(
    Object.entries(objectPermissions).map(([user, permissions]) => [user, policyOf(permissions)]),
  );
}

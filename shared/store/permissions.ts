import type { ServiceUser } from '../broker/permissions.ts';
import {
  deadPrefix,
  idempotencyPrefix,
  imagePrefixes,
  jobsPrefix,
  monitoringStateKey,
  openReplaysPrefix,
  probePrefix,
  readinessKey,
  replaysPrefix,
  retentionTurnsPrefix,
  snapshotKey,
} from './keys.ts';

/** What a user may do with objects: patterns for their keys; `*` matches any text, also several segments. */
interface ObjectPermissions {
  readonly read: readonly string[];
  /** Create and overwrite. */
  readonly write: readonly string[];
  readonly remove: readonly string[];
}

const below = (...prefixes: string[]): string[] => prefixes.map((prefix) => `${prefix}*`);

const [originals, results, thumbnails] = imagePrefixes;
/** The checks of every service: see keys.ts. */
const checks = [...below(probePrefix), readinessKey];
/** Only the API writes these. It removes them when an upload fails, a replay ends, or `RETENTION` is over. */
const ofApi = below(
  originals,
  idempotencyPrefix,
  deadPrefix,
  replaysPrefix,
  openReplaysPrefix,
  retentionTurnsPrefix,
);
const images = below(results, thumbnails);
const jobs = below(jobsPrefix);
const runs = `${jobsPrefix}*/runs/*`;

/** The MinIO user of each service, and what it may do with objects. A user that may list keys sees all of them. */
export const objectPermissions: Readonly<Record<ServiceUser, ObjectPermissions>> = {
  api: {
    read: [...checks, ...ofApi, ...images, ...jobs, snapshotKey],
    write: [...checks, ...ofApi, runs],
    remove: [...checks, ...ofApi, ...images, ...jobs],
  },
  worker: {
    read: [...checks, ...below(originals), runs],
    write: [...checks, ...images, `${runs}/outcome.json`],
    // Of attempts that lost to another one, or were killed.
    remove: [...checks, ...images],
  },
  notification: {
    // The snapshot while monitoring is unavailable.
    read: [...checks, ...jobs, snapshotKey],
    write: [...checks, `${jobsPrefix}*/webhooks/*`],
    remove: checks,
  },
  monitoring: {
    read: [...checks, runs, monitoringStateKey],
    write: [...checks, monitoringStateKey, snapshotKey],
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

import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, inject, it } from 'vitest';
import { httpProxy } from '../../testing/http-proxy.ts';
import { serviceUsers, setUpMinioUsers } from '../../testing/minio-users.ts';
import type { ServiceUser } from '../broker/permissions.ts';
import * as keys from './keys.ts';
import { createMinioSetup, readMinioSetupConfig } from './minio-setup.ts';

const region = 'us-east-1';

describe.skipIf(inject('minio') === null)('MinIO users (skipped where no server can be had)', () => {
  const minio = setUpMinioUsers();

  it('can read, write and remove what their services need, and nothing else', async () => {
    const jobId = uuidv7();
    const all = {
      original: keys.originalKey(jobId),
      idempotency: keys.idempotencyKey('key'),
      request: keys.requestKey(jobId, 1),
      outcome: keys.outcomeKey(jobId, 1),
      webhook: keys.webhookKey(jobId, 1),
      result: keys.resultKey(jobId, 'attempt', 'png'),
      thumbnail: keys.thumbnailKey(jobId, 'attempt'),
      dead: keys.deadKey(jobId, 1),
      plan: keys.replayPlanKey('replay'),
      open: keys.openReplayKey('replay'),
      turn: keys.retentionTurnKey('20260101'),
      state: keys.monitoringStateKey,
      snapshot: keys.snapshotKey,
      other: 'other/object',
    };
    const admin = await minio.storeAs('root');
    const allowed = async (user: ServiceUser) => {
      const store = await minio.storeAs(user);
      const may: Record<'read' | 'write' | 'remove', string[]> = { read: [], write: [], remove: [] };
      for (const [name, key] of Object.entries(all)) {
        await admin.put(key, Buffer.from('stored'));
        if (await isPermitted(store.get(key).then((found) => found?.readBytes()))) may.read.push(name);
        if (await isPermitted(store.put(key, Buffer.from('again')))) may.write.push(name);
        if (await isPermitted(store.remove(key))) may.remove.push(name);
        await admin.remove(key);
      }
      return may;
    };
    const records = ['dead', 'plan', 'open', 'turn'];
    expect(await allowed('api')).toEqual({
      read: Object.keys(all).filter((name) => name !== 'state' && name !== 'other'),
      write: ['original', 'idempotency', 'request', 'outcome', ...records],
      remove: ['original', 'idempotency', 'request', 'outcome', 'webhook', 'result', 'thumbnail', ...records],
    });
    expect(await allowed('worker')).toEqual({
      read: ['original', 'request', 'outcome'],
      write: ['outcome', 'result', 'thumbnail'],
      remove: ['result', 'thumbnail'],
    });
    expect(await allowed('notification')).toEqual({
      read: ['request', 'outcome', 'webhook', 'snapshot'],
      write: ['webhook'],
      remove: [],
    });
    expect(await allowed('monitoring')).toEqual({
      read: ['request', 'outcome', 'state'],
      write: ['state', 'snapshot'],
      remove: [],
    });
  });

  it.each(serviceUsers)(
    '%s has no access to other buckets, bucket settings and the admin API',
    async (user) => {
      const another = randomUUID();
      const admin = minio.clientAs('root');
      await admin.makeBucket(another, region);
      await admin.putObject(another, 'secret', 'secret');
      const client = minio.clientAs(user);
      const calls = [
        () => client.getObject(another, 'secret'),
        () => client.putObject(another, 'object', 'object'),
        () => client.removeBucket(another),
        () => client.makeBucket(randomUUID(), region),
        () => client.removeBucket(minio.bucket),
        () => client.setBucketPolicy(minio.bucket, '{}'),
        () => client.getBucketPolicy(minio.bucket),
      ];
      for (const call of calls) await expect(call(), String(call)).rejects.toThrow(/Access ?Denied/i);
      for (const [method, name] of [
        ['GET', 'list-users'],
        ['GET', 'export-iam'],
        ['PUT', 'import-iam-v2'],
      ] as const) {
        const call = { method, bucketName: 'minio', objectName: `admin/v3/${name}` };
        (await client.makeRequestAsync(call, '', [403], region)).resume();
      }
      expect(await client.listBuckets()).toEqual([expect.objectContaining({ name: minio.bucket })]);
    },
  );

  it('get new passwords when the set-up runs again, and keep their objects', async () => {
    await (await minio.storeAs('monitoring')).put(keys.monitoringStateKey, Buffer.from('{}'));
    const old = minio.passwords.monitoring;
    minio.passwords.monitoring = 'another-password';
    await minio.setUp();
    expect(await (await minio.storeAs('monitoring')).stat(keys.monitoringStateKey)).toBeDefined();
    await expect(minio.storeAs('monitoring', { secretKey: old })).rejects.toThrow(
      /keys are wrong.*Check MINIO_ACCESS_KEY, MINIO_SECRET_KEY.*docker-compose up -d sets up the users again/,
    );
  });

  it('explain a missing bucket, and an operation that is refused', async () => {
    const deleted = randomUUID();
    await minio.setUp({ MINIO_BUCKET: deleted });
    await minio.clientAs('root').removeBucket(deleted);
    await expect(minio.storeAs('worker', { bucket: deleted })).rejects.toThrow(
      `The bucket ${deleted} does not exist, and the user worker may not create it. Check MINIO_BUCKET, or create it (with Compose: docker-compose up -d).`,
    );
    await minio.setUp();
    const worker = await minio.storeAs('worker');
    await expect(worker.put('originals/1', Buffer.from('1'))).rejects.toThrow(
      'failed to put originals/1: access denied; check the keys and the policy of the user, see docs/security.md (AccessDenied).',
    );
  });

  it.each<[Readonly<Record<string, string>>, string]>([
    [{ MINIO_ACCESS_KEY: 'api' }, 'MINIO_ACCESS_KEY is "api", the user of a service.'],
    [{ MINIO_API_PASSWORD: 'secret7' }, 'MINIO_API_PASSWORD is set (not shown), but must be at least 8'],
    [{ NODE_ENV: 'production', MINIO_API_PASSWORD: '' }, 'MINIO_API_PASSWORD is a sample password'],
    [{ NODE_ENV: 'production', MINIO_SECRET_KEY: '' }, 'MINIO_SECRET_KEY is a sample password'],
    [{ MINIO_ACCESS_KEY: 'worker2', MINIO_SECRET_KEY: 'unknown-user' }, 'Check MINIO_ACCESS_KEY'],
  ])('are not set up with %j', async (changes, problem) => {
    await expect(minio.setUp(changes)).rejects.toThrow(problem);
  });

  it('are set up by an administrator only', async () => {
    const monitoring = minio.passwords.monitoring;
    const setup = createMinioSetup({
      ...readMinioSetupConfig({
        LOG_LEVEL: 'silent',
        MINIO_ENDPOINT: minio.root.endpoint,
        MINIO_BUCKET: minio.bucket,
      }),
      MINIO_ACCESS_KEY: 'monitoring',
      MINIO_SECRET_KEY: monitoring,
    });
    await expect(setup.start()).rejects.toThrow(
      'MinIO refused to set up the users of the services. MINIO_ACCESS_KEY must be its administrator.',
    );
  });

  it.each([
    [426, '{"Code":"XMinioAdminVersionMismatch"}'],
    [404, '<Error><Code>NoSuchBucket</Code></Error>'],
    [200, ''],
  ])('are not set up where the import of users is refused with %i', async (status, body) => {
    await using proxy = await httpProxy(minio.root.endpoint, {
      respond: (_method, path) => (path.includes('import-iam') ? { status, body } : undefined),
    });
    await expect(minio.setUp({ MINIO_ENDPOINT: proxy.url })).rejects.toThrow(
      `MINIO_ENDPOINT is not a MinIO that can import users (HTTP status ${status}). See docs/security.md, Users of MinIO.`,
    );
  });

  it('are reported as missing when the set-up is stopped before', async () => {
    const setup = createMinioSetup(
      readMinioSetupConfig({ LOG_LEVEL: 'silent', MINIO_ENDPOINT: 'http://127.0.0.1:1' }),
    );
    const started = expect(setup.start()).rejects.toThrow('aborted');
    await expect(setup.stop()).rejects.toThrow('aborted');
    await started;
  });
});

async function isPermitted(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/AccessDenied/);
    return false;
  }
}

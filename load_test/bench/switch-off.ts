import { open } from 'node:fs/promises';
import type { ConfirmChannel } from 'amqplib';
import { BrokerConnection } from '@image-pipeline/shared/broker/connection.ts';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';
import type { Guarantee } from './guarantees.ts';

/*
 * For the benchmark only: Node loads this before a service (`--import`). It replaces one method of an adapter, so that one
 * guarantee is missing. A system that runs with this loses jobs when a process or the machine dies.
 */

const switchOff: Readonly<Record<Guarantee, () => Promise<void> | void>> = {
  /** A publish succeeds as soon as it is written to the socket, and RabbitMQ sends no confirms. */
  'publisher confirms': () => {
    BrokerConnection.prototype.createConfirmChannel = async function () {
      const channel = await this.createChannel();
      const publish = channel.publish.bind(channel);
      return Object.assign(channel, {
        publish: (...[exchange, key, content, options, onConfirm]: Parameters<ConfirmChannel['publish']>) => {
          const isWritten = publish(exchange, key, content, options);
          setImmediate(() => onConfirm?.(null, {}));
          return isWritten;
        },
        waitForConfirms: () => Promise.resolve(),
      });
    };
  },

  /** Files and folders are written to the page cache only. */
  fsync: async () => {
    const file = await open(import.meta.filename);
    const prototype = Reflect.getPrototypeOf(file);
    await file.close();
    if (prototype === null) throw new Error('A file handle has no prototype.');
    for (const method of ['sync', 'datasync']) Reflect.set(prototype, method, () => Promise.resolve());
  },

  /** The end of a job is only in its event. */
  'outcome record': () => {
    const putIfAbsent = Reflect.get<FolderStore, 'putIfAbsent'>(FolderStore.prototype, 'putIfAbsent');
    FolderStore.prototype.putIfAbsent = function (key, body) {
      return key.endsWith('/outcome.json') ? Promise.resolve(true) : putIfAbsent.call(this, key, body);
    };
  },
};

const found = Object.entries(switchOff).find(([name]) => name === process.env['BENCH_WITHOUT']);
await found?.[1]();

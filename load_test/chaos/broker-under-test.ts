import { z } from 'zod';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { startRabbitNode } from '../../local/broker/rabbitmq-node.ts';
import type { RunningNode } from '../../local/broker/running-node.ts';
import { managementCall } from '../../testing/management-call.ts';

/** See local/broker/rabbitmq-node.test.ts: the registry of queues is flushed up to a second late. */
const FLUSH_QUEUES = 'lists:foreach(fun dets:sync/1, dets:all()).';
/** The setting of local/broker/node-files.ts. */
const NORMAL_WATERMARK = ['set_vm_memory_high_watermark', 'absolute', '1GB'];

const depthsSchema = z.array(
  z.object({
    name: z.string(),
    messages_ready: z.int().default(0),
    messages_unacknowledged: z.int().default(0),
  }),
);

/** Message counts of a queue. */
export interface QueueDepth {
  readonly name: string;
  readonly ready: number;
  readonly unacked: number;
}

/** A real RabbitMQ node behind a network that can fail, with methods to make both fail. */
export class BrokerUnderTest implements AsyncDisposable {
  /** Between the services and the node. */
  readonly network: TcpProxy;
  #node: RunningNode;

  private constructor(node: RunningNode, network: TcpProxy) {
    this.#node = node;
    this.network = network;
  }

  static async behindProxy(node: RunningNode): Promise<BrokerUnderTest> {
    const network = await TcpProxy.to({ host: '127.0.0.1', port: node.ports.amqp });
    return new BrokerUnderTest(node, network);
  }

  /** The address for the services. */
  get amqpUrl(): string {
    return `amqp://guest:guest@127.0.0.1:${this.network.port}`;
  }

  /** The address without the network that can fail. */
  get directUrl(): string {
    return this.#node.amqpUrl;
  }

  async stopApp(): Promise<void> {
    await this.#node.ctl(['stop_app']);
  }

  async startApp(): Promise<void> {
    await this.#node.ctl(['start_app']);
  }

  async kill(): Promise<void> {
    await this.#node.ctl(['eval', FLUSH_QUEUES]);
    await this.#node.kill();
  }

  /** Restarts the killed node with the same folder and ports. */
  async startAgain(): Promise<void> {
    this.#node = await startRabbitNode({ folder: this.#node.folder });
  }

  async closeConnections(): Promise<void> {
    await this.#node.ctl(['close_all_connections', 'chaos']);
  }

  /** Raises a memory alarm until `clearAlarm`. */
  async raiseAlarm(): Promise<void> {
    await this.#node.ctl(['set_vm_memory_high_watermark', '0.00001']);
  }

  async clearAlarm(): Promise<void> {
    await this.#node.ctl(NORMAL_WATERMARK);
  }

  async deleteExchange(name: string): Promise<void> {
    await this.#manage('DELETE', `exchanges/%2F/${name}`);
  }

  async deleteQueue(name: string): Promise<void> {
    await this.#manage('DELETE', `queues/%2F/${name}`);
  }

  async purgeQueue(name: string): Promise<void> {
    await this.#manage('DELETE', `queues/%2F/${name}/contents`);
  }

  /** Whether an exchange or a queue exists. */
  async exists(kind: 'exchange' | 'queue', name: string): Promise<boolean> {
    return this.#manage('GET', `${kind}s/%2F/${name}`).then(
      () => true,
      () => false,
    );
  }

  /** @param pattern of the names that the services may use; empty: none */
  async permit(pattern: string): Promise<void> {
    await this.#node.ctl(['set_permissions', 'guest', pattern, pattern, pattern]);
  }

  /** Of every channel that is opened from now on, in milliseconds. */
  async setConsumerTimeout(ms: number): Promise<void> {
    const set = (name: string, value: number) => `application:set_env(rabbit, ${name}, ${value})`;
    await this.#node.ctl(['eval', `${set('consumer_timeout', ms)}, ${set('channel_tick_interval', 200)}.`]);
  }

  /** Counts of the management API, which are up to 5 s old. */
  async queues(): Promise<QueueDepth[]> {
    const columns = 'columns=name,messages_ready,messages_unacknowledged';
    const queues = depthsSchema.parse(await this.#manage('GET', `queues?${columns}`));
    return queues.map(({ name, messages_ready, messages_unacknowledged }) => ({
      name,
      ready: messages_ready,
      unacked: messages_unacknowledged,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network.close();
  }

  #manage(method: 'GET' | 'DELETE', path: string): Promise<unknown> {
    const { managementUrl } = this.#node;
    return managementCall({ managementUrl, username: 'guest', password: 'guest' }, method, path);
  }
}

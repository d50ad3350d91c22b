/** The RabbitMQ node that a test run has to itself: `const broker = inject('broker')`. It can be sent to workers. */
export interface TestBroker {
  /** Without a virtual host. Tests use one of their own: see createVhost. */
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly prometheusUrl: string;
  readonly username: string;
  readonly password: string;
  /** The node's folder: `await findRabbitNode(folder)` gives its rabbitmqctl. */
  readonly folder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    broker: TestBroker;
  }
}

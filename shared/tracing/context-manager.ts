import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api';

/**
 * Lets this process know, at any point of asynchronous work, to which trace it belongs, with an SDK and without. Where
 * an SDK has brought a context manager of its own, that one stays.
 */
export function followContexts(): void {
  context.setGlobalContextManager(new AsyncContextManager());
}

/** OpenTelemetry's contexts by Node's `AsyncLocalStorage`. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    within: Context,
    act: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(within, () => act.apply(self, args));
  }

  bind<T>(within: Context, target: T): T {
    if (typeof target !== 'function') return target;
    return new Proxy(target, {
      apply: (act, self, args) => this.#storage.run(within, (): unknown => Reflect.apply(act, self, args)),
    });
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

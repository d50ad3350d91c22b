import type { Frame } from './frame.ts';

/** Who is told: one WebSocket connection. */
export interface Subscriber {
  /** Hands over a message; does nothing once the connection ends. */
  send(frame: Frame): void;
  /** Resolves when what was sent has left this process or the connection has ended: for sending in portions. */
  flushed(): Promise<void>;
  /** Ends the connection of a client that reads more slowly than events happen. */
  cutSlowReader(): void;
}

import { z } from 'zod';

/** A replay that is running: a message in `image.replays`. What it replays is in the object store. */
export const replayMessageSchema = z
  .object({ version: z.literal(1), replay_id: z.uuid() })
  .meta({ id: 'ReplayMessage', description: 'A replay of dead letters that is running.' });

export type ReplayMessage = z.output<typeof replayMessageSchema>;

import { memoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import type { ApiConfig, apiLimits } from '../config.ts';
import { createSlots } from '../http/slots.ts';
import { formLimits } from './form-limits.ts';
import type { UploadRouteDeps } from './upload-route.ts';
import { uploadCapacity, UploadSpace } from './upload-space.ts';

const MIB = 1024 * 1024;

interface CreateUploadOptions extends Pick<UploadRouteDeps, 'admission' | 'uploads' | 'links' | 'metrics'> {
  readonly config: ApiConfig;
  readonly limits: typeof apiLimits;
}

/** What `POST /upload` needs. Concurrent uploads are limited to those that fit into the memory of this machine or container. */
export function createUpload({ config, limits, ...deps }: CreateUploadOptions): UploadRouteDeps {
  const memory = memoryLimit();
  const capacity = uploadCapacity(config, memory);
  if (capacity.slots < config.UPLOADS_IN_FLIGHT) {
    const limit = `${Math.round(memory.bytes / MIB)} MiB of memory`;
    deps.uploads.log.warn(
      `concurrent uploads limited to ${capacity.slots} instead of UPLOADS_IN_FLIGHT=${config.UPLOADS_IN_FLIGHT}: ${limit} is too little for files of up to ${config.MAX_FILE_BYTES} bytes (MAX_FILE_BYTES)`,
    );
  }
  return {
    ...deps,
    limits: formLimits(config, limits),
    callbacks: { isSetUp: config.WEBHOOK_SECRET.length > 0, allowed: config.WEBHOOK_ALLOWED_HOSTS },
    maxEstimatedSeconds: config.MAX_ESTIMATED_SECONDS,
    space: new UploadSpace(capacity),
    inUploadSlot: createSlots({ what: 'uploads', slots: capacity.slots, waitMs: limits.uploadWaitMs }),
  };
}

import type { RequestHandler } from 'express';
import type { Thumbnails } from './thumbnails.ts';
import { closed } from '../http/client-gone.ts';
import { isKnownToCaller, setImageHeaders } from '../jobs/image-headers.ts';
import { jobIdOf } from '../http/job-id.ts';

/** `GET /thumbnail/{job_id}`: a page asks for many at once, so they come from memory or, in line, from the store. */
export function thumbnailRoute(thumbnails: Pick<Thumbnails, 'known' | 'get'>): RequestHandler {
  return async (request, response) => {
    const jobId = jobIdOf(request);
    const known = thumbnails.known(jobId);
    if (known !== undefined && isKnownToCaller(request, known)) {
      setImageHeaders(response, known);
      response.status(304).end();
      return;
    }
    const { image, bytes } = await thumbnails.get(jobId, closed(response));
    if (isKnownToCaller(request, image)) {
      setImageHeaders(response, image);
      response.status(304).end();
      return;
    }
    setImageHeaders(response, image, bytes.length);
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
}

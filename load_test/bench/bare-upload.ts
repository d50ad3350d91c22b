import { randomUUID } from 'node:crypto';
import express from 'express';
import multer from 'multer';

/**
 * What a program without a pipeline does with an upload, as the documentation of Express and multer shows it: stores the file
 * in a folder and returns an id. Runs as a child process with the folder as its argument, and sends its port when it listens.
 */
const app = express();
const form = multer({ dest: process.argv[2] ?? '' });
app.post('/upload', form.single('file'), (_request, response) => {
  response.status(202).json({ job_id: randomUUID() });
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});

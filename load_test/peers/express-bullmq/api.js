// Stores uploads and adds one job for each.
import { existsSync } from 'node:fs';
import { Queue } from 'bullmq';
import express from 'express';
import multer from 'multer';

const { FOLDER, REDIS_PORT, PORT } = process.env;
const queue = new Queue('images', { connection: { host: '127.0.0.1', port: Number(REDIS_PORT) } });
const upload = multer({ dest: `${FOLDER}/originals` });
const app = express();

app.post('/upload', upload.single('file'), async (request, response) => {
  const id = request.file.filename;
  await queue.add('process', { id }, { removeOnComplete: true });
  response.status(202).json({ job_id: id });
});

app.get('/status/:id', (request, response) => {
  const isDone = existsSync(`${FOLDER}/results/${encodeURIComponent(request.params.id)}`);
  response.json({ status: isDone ? 'completed' : 'queued' });
});

app.listen(Number(PORT), '127.0.0.1');

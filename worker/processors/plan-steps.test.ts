import { operationsSchema } from '@image-pipeline/shared/contracts/operations.ts';
import { describe, expect, it } from 'vitest';
import { defaultImageLimits } from '../engine/image-limits.ts';
import { estimateMs, planSteps } from './plan-steps.ts';

const CAMERA = { format: 'jpeg', scans: 1, width: 4_000, height: 3_000, bytes: 4e6 } as const;
const PROGRESSIVE = { ...CAMERA, scans: 10 };
const LARGEST = { ...CAMERA, width: 5_000, height: 5_000 };
const MOST_SCANS = { ...LARGEST, scans: 100, bytes: 100e3 };
const PNG = { ...CAMERA, format: 'png', bytes: 10e6 } as const;
const blur = { type: 'filter', name: 'blur', radius: 100 };
const fit = { type: 'resize', width: 800, height: 600 };

describe('the estimated time', () => {
  it.each([
    ['of a photo that is reduced', CAMERA, [fit], 'jpeg', 73],
    ['of a photo in ten scans', PROGRESSIVE, [fit], 'jpeg', 138],
    ['of a file with the most scans', MOST_SCANS, [fit], 'jpeg', 1_552],
    ['of a photo as PNG', PNG, [fit], 'jpeg', 133],
    ['of a photo that is reduced last', CAMERA, [blur, fit], 'jpeg', 877],
    ['grows with each operation', CAMERA, [blur, blur, blur], 'jpeg', 1_091],
    ['is that of the reduced image for what comes after', CAMERA, [fit, blur, blur, blur], 'png', 132],
    ['of the largest image with the most expensive operations', LARGEST, Array(10).fill(blur), 'webp', 8_455],
  ] as const)('%s', (_what, source, operations, format, ms) => {
    const steps = planSteps(source, operationsSchema.parse(operations), defaultImageLimits);
    expect(Math.round(estimateMs(source, steps, format))).toBe(ms);
  });
});

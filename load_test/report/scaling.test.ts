import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitUsl, type Point, predictThroughput } from './scaling.ts';

const counts = [1, 2, 3, 4, 6, 8, 12, 16];
const pointsOf = (lambda: number, sigma: number, kappa: number): Point[] =>
  counts.map((slots) => ({ slots, throughput: predictThroughput({ lambda, sigma, kappa }, slots) }));

describe('the fit of the Universal Scalability Law', () => {
  it('finds the coefficients that the throughput was made from', () => {
    const coefficient = (max: number) => fc.double({ min: 0, max, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        coefficient(0.5),
        coefficient(0.05),
        (lambda, sigma, kappa) => {
          const fit = fitUsl(pointsOf(lambda, sigma, kappa));
          expect(fit?.lambda).toBeCloseTo(lambda, 4);
          expect(fit?.sigma).toBeCloseTo(sigma, 4);
          expect(fit?.kappa).toBeCloseTo(kappa, 4);
          expect(fit?.rSquared).toBeCloseTo(1, 4);
        },
      ),
    );
  });

  it('predicts the peak at √((1 − σ) / κ)', () => {
    const fit = fitUsl(pointsOf(10, 0.1, 0.009));
    expect(fit?.peakSlots).toBeCloseTo(10, 3);
    // 10 · 10 / (1 + 0.1 · 9 + 0.009 · 10 · 9)
    expect(fit?.peakThroughput).toBeCloseTo(100 / 2.71, 3);
  });

  it('has no peak without coherency cost: throughput approaches λ / σ', () => {
    expect(fitUsl(pointsOf(10, 0.2, 0))).toMatchObject({ peakSlots: null });
    expect(fitUsl(pointsOf(10, 0.2, 0))?.peakThroughput).toBeCloseTo(50, 3);
    expect(fitUsl(pointsOf(10, 0, 0))).toMatchObject({ peakSlots: null, peakThroughput: null });
  });

  it('keeps σ and κ from being negative, whatever the noise', () => {
    const throughputs = fc.array(fc.double({ min: 1, max: 20, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(throughputs, (values) => {
        const fit = fitUsl(values.map((throughput, i) => ({ slots: i + 1, throughput })));
        expect(fit?.sigma).toBeGreaterThanOrEqual(0);
        expect(fit?.kappa).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is refused with fewer than five numbers of slots, however many repeats', () => {
    const four = [1, 2, 3, 5].flatMap((slots) => [1, 2, 3].map(() => ({ slots, throughput: slots })));
    expect(fitUsl(four)).toBeNull();
  });
});

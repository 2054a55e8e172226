import assert from "node:assert/strict";
import fc from "fast-check";
import { nextDelayMs, reconnectPolicy } from "../../src/base/retry.ts";

Deno.test("retry: doubles the bound of the delay up to the greatest one", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) =>
    nextDelayMs(reconnectPolicy, failures, 1)
  );
  assert.deepEqual(bounds, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

Deno.test("retry: spreads delays over the whole range between the least and the bound", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, random) => {
        const delay = nextDelayMs(reconnectPolicy, failures, random)!;
        assert.ok(delay >= 100 && delay <= 30_000);
        assert.ok(delay <= nextDelayMs(reconnectPolicy, failures, 1)!);
      },
    ),
  );
});

Deno.test("retry: stops when the attempts are used up", () => {
  const policy = { firstMs: 10, maxMs: 10, attempts: 3 };
  assert.deepEqual([1, 2, 3].map((failures) => nextDelayMs(policy, failures, 1)), [
    10,
    10,
    undefined,
  ]);
});

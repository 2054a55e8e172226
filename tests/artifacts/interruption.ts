/**
 * Ends work at its n-th renaming or removal, as a killed process would.
 *
 * @returns Whether it got that far.
 */
export async function interruptAt(step: number, work: () => Promise<unknown>): Promise<boolean> {
  const killed = new Error("killed");
  const original = { renameSync: Deno.renameSync, removeSync: Deno.removeSync };
  let count = 0;
  let isDead = false;
  const wrap = <P extends unknown[]>(call: (...parameters: P) => void) => (...parameters: P) => {
    if (isDead || ++count === step) {
      isDead = true;
      throw killed;
    }
    call(...parameters);
  };
  Deno.renameSync = wrap(original.renameSync);
  Deno.removeSync = wrap(original.removeSync);
  try {
    await work();
    return false;
  } catch (error) {
    if (!isDead) throw error;
    return true;
  } finally {
    Object.assign(Deno, original);
  }
}

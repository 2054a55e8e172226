/** Where the files of a job wait for their publication. */
import { cannot } from "../base/errors.ts";
import type { CheckoutJob } from "./git_job.ts";
import { treesOf } from "./published_trees.ts";
import { StagingArea, stagingPlaces } from "./staging_area.ts";

/**
 * Opens it: on the file system of the destination, or of the trees beside it (artifact.publish=symlink).
 *
 * @throws AgentError of kind `permission` when there is no such place.
 */
export function openStaging(job: CheckoutJob): StagingArea {
  const { publish, destination, stagingDirectories } = job;
  if (publish !== "symlink") return StagingArea.open(stagingPlaces(job), destination);
  if (stagingDirectories.length === 0) throw noRoomBeside(destination);
  const trees = treesOf(destination);
  Deno.mkdirSync(trees, { recursive: true, mode: 0o755 });
  // Whoever serves the files must be able to enter, whatever the umask.
  Deno.chmodSync(trees, 0o755);
  return StagingArea.open(stagingDirectories, trees, trees);
}

function noRoomBeside(destination: string) {
  const reason = `${destination}.agent cannot be made, or is not the agent's user's alone`;
  const options = { kind: "permission", retryable: true } as const;
  return cannot("publish by a link at", destination, reason, options);
}

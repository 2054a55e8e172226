import project from "../../deno.json" with { type: "json" };

/** The version of the agent. */
export const version: string = project.version;

/** Prints the versions of the agent and of what runs it. */
export function versionCommand(): number {
  console.log(`cartridge-agent ${version} (deno ${Deno.version.deno}, v8 ${Deno.version.v8})`);
  return 0;
}

/** The usage text. */
export const usage = `cartridge-agent: the agent inside one instance of a platform

Usage: cartridge-agent <command> [options]

Commands:
  run          follow the platform, run extensions, keep artifacts in step, report health
  check        resolve and validate the configuration and print it, secrets masked;
               nothing goes over the network
  permissions  print the exact permissions that the configuration needs
  sandbox      play the agent's whole life on embedded peers, nothing else needed
  version      print the version
  help         print this

Options of run, check and permissions:
  --home DIR        directory with agent.conf (default: AGENT_HOME, else the current directory)
  --set KEY=VALUE   a setting, stronger than environment and files; may be repeated.
                    Arguments can be read by every user of the machine: no secrets here
Options of permissions:
  --format FORMAT   flags (one per line, for deno run and deno compile; default) or json
Options of sandbox:
  --once            play the life once and exit: 0 when every step happened, 1 otherwise

Exit status: 0 after an orderly end; 64 usage; 69 a peer that is needed is not available;
70 internal error; 75 another agent holds this home; 78 configuration or missing permission.
`;

/** Prints the usage text. */
export function helpCommand(): number {
  console.log(usage);
  return 0;
}

/** The usage text. */
export const usage = `cartridge-agent: the agent inside one instance of a platform

Usage: cartridge-agent <command> [options]

Commands:
  run          follow the platform, run extensions, keep artifacts in step, report health
  check        resolve and validate the configuration and print it, secrets masked;
               nothing goes over the network
  permissions  print the exact permissions that the configuration needs
  replay       print what the agent would do on a file of messages; no network, nothing is run
  emit         publish one event of the platform, to try what an agent does
  sandbox      play the agent's whole life on embedded peers, nothing else needed
  version      print the version
  help         print this

Options of run, check and permissions:
  --home DIR        directory with agent.conf (default: AGENT_HOME, else the current directory)
  --set KEY=VALUE   a setting, stronger than environment and files; may be repeated.
                    Arguments can be read by every user of the machine: no secrets here
Options of permissions:
  --format FORMAT   flags (one per line, for deno run and deno compile; default) or json
emit EVENT [--set FIELD=VALUE]…, or emit --list for all events and their fields:
  --set FIELD=VALUE a field; JSON where it is not a text; null leaves it out
  --home DIR        where ids and broker are from, as above
  --broker HOST:PORT, --username USER, --password-file FILE
                    another broker than the home's; ids then come from the home if there is
                    one, and else from --set
Options of sandbox:
  --once            play the life once and exit: 0 when every step happened, 1 otherwise
  --extensions DIR  run a copy of your extensions instead of the shipped ones and show what
                    they print; the launcher is the shipped one

Exit status: 0 after an orderly end; 64 usage; 69 a peer that is needed is not available;
70 internal error; 75 another agent holds this home; 78 configuration or missing permission.
`;

/** Prints the usage text. */
export function helpCommand(): number {
  console.log(usage);
  return 0;
}

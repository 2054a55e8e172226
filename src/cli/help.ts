/** The usage text. */
export const usage = `cartridge-agent: the agent inside one instance of a platform

Usage: cartridge-agent <command> [options]

Commands:
  init DIR     lay out a home: configuration, launcher, default extensions
  run          follow the platform, run extensions, keep artifacts in step, report health
  check        resolve and validate the configuration and print it, secrets masked;
               nothing goes over the network
  permissions  print the exact permissions that the configuration needs
  systemd-unit print a unit of systemd that runs the agent
  status       show what the agent is doing
  support-bundle
               write one archive with what helps to understand an agent, without secrets
  replay       print what the agent would do on a file of messages; no network, nothing is run
  emit         publish one event of the platform, to try what an agent does
  metadata     read and write properties at the metadata service, for scripts
  sandbox      play the agent's whole life on embedded peers, nothing else needed
  version      print the version
  help         print this

Options of init:
  --force           replace files that are there with another content
  --launcher        replace the launcher alone: it belongs to this program
Options of run, check, permissions and systemd-unit:
  --home DIR        directory with agent.conf (default: AGENT_HOME, else the current directory)
  --set KEY=VALUE   a setting, stronger than environment and files; may be repeated.
                    Arguments can be read by every user of the machine: no secrets here
Options of permissions:
  --format FORMAT   flags (one per line, for deno run; default), compile (for a binary that
                    fits this configuration alone), json, or systemd (directives of a unit)
Options of check:
  --hardened        say what the hardened unit of systemd would break, too
Options of systemd-unit:
  --hardened        fence in agent and extensions as far as the configuration allows
  --user NAME       run as that user (default: root; hardened: cartridge-agent)
  --program PATH    the program to start (default: this one)
Options of status, beside --home and --set:
  --watch           draw it anew every second
  --json            as the endpoint says it
  --ready, --live   for probes: print nothing unless the answer is no
                    Exit status 0 ready, 1 not ready, 69 not running
Options of support-bundle, beside --home and --set:
  --output FILE     default cartridge-agent-support-TIME.tar.gz in the current directory
emit EVENT [--set FIELD=VALUE]…, or emit --list for all events and their fields:
  --set FIELD=VALUE a field; JSON where it is not a text; null leaves it out
  --home DIR        where ids and broker are from, as above
  --broker HOST:PORT, --username USER, --password-file FILE
                    another broker than the home's; ids then come from the home if there is
                    one, and else from --set
metadata get [KEY], metadata put KEY VALUE…, metadata delete KEY VALUE:
  --cluster         properties of the own cluster instead of the application
  --json            get: JSON instead of one value a line
  --stdin           put: values from standard input, one a line
  --home DIR        where URL and TOKEN are from; inside an extension its agent's home
                    Exit status 1 when there is no such key or value
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

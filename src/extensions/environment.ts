/**
 * Variables of the agent's own environment that no extension sees: its passwords and key, and where
 * its secrets and certificates lie. The key of the launch parameters has a name of its own.
 */
export const ownNames: ReadonlySet<string> = new Set([
  "MB_PASSWORD",
  "CEP_PASSWORD",
  "THRIFT_SERVER_ADMIN_PASSWORD",
  "MONITORING_SERVER_ADMIN_PASSWORD",
  "MB_PASSWORD_FILE",
  "CEP_PASSWORD_FILE",
  "MONITORING_SERVER_ADMIN_PASSWORD_FILE",
  "CARTRIDGE_KEY",
  "CARTRIDGE_KEY_FILE",
  "MB_CA_FILE",
  "MB_CERT_FILE",
  "MB_KEY_FILE",
  "THRIFT_TLS_CA_FILE",
  "ARTIFACT_CA_FILE",
  "ARTIFACT_SSH_KEY_FILE",
  "STATUS_TOKEN_FILE",
  // Keys of the collector that the agent reports to.
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
]);

/**
 * The variables that a run must not inherit.
 *
 * @param inherited Names of the agent's environment.
 * @param given The run's own values, by name: what it sets it does not inherit.
 * @param allowed The setting `extension.environment`: these names pass through and no others, PATH
 *   and HOME only when they are listed; the agent's secrets and `STRATOS_*` never. Absent: all pass
 *   but those.
 */
export function namesToUnset(
  inherited: readonly string[],
  given: Readonly<Record<string, string>>,
  allowed?: readonly string[],
): readonly string[] {
  const stale = inherited.filter((name) => {
    if (ownNames.has(name) || Object.hasOwn(given, name)) return false;
    return name.startsWith("STRATOS_") || (allowed !== undefined && !allowed.includes(name));
  });
  return [...ownNames, ...stale];
}

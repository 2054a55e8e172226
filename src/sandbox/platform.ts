import { type Clock, systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";
import {
  type ArtifactOverrides,
  artifactUpdated,
  type TenantRepository,
} from "./artifact_event.ts";
import { gsonText } from "./gson.ts";
import { Journal, type WaitLimits } from "./journal.ts";
import { type AgentMessage, judge, type Judgement } from "./judgement.ts";
import { currentState, type Member, type MemberState } from "./member.ts";
import { MemberRegistry, type NewMember } from "./member_registry.ts";
import { connectPlatform, type PlatformConnection } from "./platform_client.ts";
import {
  entriesOf,
  type JudgedStatus,
  type PlatformEntry,
  type PlatformFault,
} from "./platform_entry.ts";
import {
  completeTenants,
  completeTopology,
  memberEvent,
  type PlatformEvent,
  type ServiceFacts,
} from "./platform_events.ts";
import { type PlatformOptions, serviceFactsOf } from "./platform_options.ts";
import { repeat } from "./repeat.ts";
import { statusRules } from "./status_rules.ts";

/**
 * The cloud controller, the stratos manager and the autoscaler in one, as far as an agent meets them.
 *
 * It judges what agents send by the platform's rules and reacts as the platform does: whatever is not
 * legal is dropped, never answered, and remembered as a fault.
 */
export class Platform implements AsyncDisposable {
  readonly #options: PlatformOptions;
  readonly #clock: Clock;
  readonly #tasks: TaskGroup;
  readonly #members = new MemberRegistry();
  readonly #journal: Journal<PlatformEntry>;
  readonly #facts: ServiceFacts;
  readonly #own: string;
  #repositories: readonly TenantRepository[];
  readonly #connection: PlatformConnection;
  #cleanup = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(options: PlatformOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tasks = new TaskGroup(options.log ?? silentLog, this.#clock);
    this.#journal = new Journal(this.#clock);
    this.#own = options.member.identity.memberId;
    this.#repositories = options.repositories ?? [];
    this.#facts = serviceFactsOf(options);
    if (options.memberExists ?? true) this.#members.add(options.member, this.#clock.now());
    for (const other of options.otherMembers ?? []) this.#members.add(other, this.#clock.now());
    this.#connection = connectPlatform(
      options.broker,
      options.clientId ?? `platform-${crypto.randomUUID()}`,
      ["instance/status/#", "initializer/#"],
      {
        onMessage: (message) => this.#arrived(message),
        onConnected: (connected) => this.#note({ kind: "connection", connected, atMs: this.#atMs }),
      },
      this.#clock,
    );
  }

  /**
   * Connects and listens; nothing is published before somebody asks or the interval is over.
   *
   * @throws AgentError `unavailable` or `refused` when the broker cannot be used.
   */
  static async open(options: PlatformOptions): Promise<Platform> {
    const platform = new Platform(options);
    await platform.#connection.ready;
    platform.#startInterval();
    return platform;
  }

  /** Everything the platform saw and did, in order. */
  get entries(): readonly PlatformEntry[] {
    return this.#journal.entries;
  }

  /** The well-formed status events in order of arrival, with the verdicts. */
  get statuses(): readonly JudgedStatus[] {
    return this.entries.filter((entry) => entry.kind === "status");
  }

  /** What was illegal, dropped status events included. */
  get faults(): readonly PlatformFault[] {
    return this.entries.filter((entry) => entry.kind === "fault");
  }

  /** The state of a member, the own one by default; `undefined` when there is no such member. */
  state(memberId: string = this.#own): MemberState | undefined {
    const member = this.#members.find(memberId);
    return member && currentState(member);
  }

  /** How many entries there have been: the place from where a later {@link until} looks. */
  get mark(): number {
    return this.#journal.length;
  }

  /**
   * Waits for an entry.
   *
   * @param wanted A predicate, or the name of a status event of the own member that is accepted, or of
   * a request.
   * @throws AgentError `limit` when the time is over.
   */
  until(
    wanted: string | ((entry: PlatformEntry) => boolean),
    limits?: WaitLimits,
  ): Promise<PlatformEntry> {
    if (typeof wanted !== "string") return this.#journal.until("an entry", wanted, limits);
    return this.#journal.until(wanted, (entry) => this.#isCalled(entry, wanted), limits);
  }

  /** Adds the own member, or a new one in place of a terminated one, and tells everybody. */
  createMember(): Promise<void> {
    return this.#tell(this.#members.add(this.#options.member, this.#clock.now()));
  }

  /** The infrastructure has started the own member. */
  initializeMember(): Promise<void> {
    return this.changeMember("Initialized");
  }

  /** The infrastructure has ended the own member. */
  terminateMember(): Promise<void> {
    return this.changeMember("Terminated");
  }

  /**
   * Puts a member, the own one by default, into a state and tells everybody.
   *
   * @throws AgentError `input` when there is no such member.
   */
  async changeMember(state: MemberState, memberId: string = this.#own): Promise<void> {
    await this.#tell(this.#members.enter(memberId, state));
  }

  /** Adds another member and tells everybody what state it is in. */
  addMember(member: NewMember): Promise<void> {
    return this.#tell(this.#members.add(member, this.#clock.now()));
  }

  /** The repositories that the next accepted InstanceStartedEvent leads to. */
  setRepositories(repositories: readonly TenantRepository[]): void {
    this.#repositories = repositories;
  }

  /** CompleteTopologyEvent with what is true now. */
  publishCompleteTopology(): Promise<void> {
    const { identity } = this.#options.member;
    return this.#send(completeTopology(identity, this.#facts, this.#members.all));
  }

  /** CompleteTenantEvent. */
  publishCompleteTenants(): Promise<void> {
    const superTenant = { tenantId: -1234, tenantDomain: "carbon.super" };
    return this.#send(completeTenants(this.#options.tenants ?? [superTenant]));
  }

  /** ArtifactUpdatedEvent for a repository, the first one by default. */
  publishArtifactUpdated(
    overrides: ArtifactOverrides = {},
    repository: TenantRepository | undefined = this.#repositories[0],
  ): Promise<void> {
    const { clusterId } = this.#options.member.identity;
    return this.#send(
      artifactUpdated(clusterId, repository, this.#options.cartridgeKey, overrides),
    );
  }

  /** Asks the own member to clean up; repeated until ReadyToShutdown when so configured. */
  async sendCleanupMember(): Promise<void> {
    const send = () =>
      this.#send({
        topic: "instance/notifier/InstanceCleanupMemberEvent",
        payload: { memberId: this.#own },
      });
    await send();
    const { cleanupRepeatMs } = this.#options;
    if (cleanupRepeatMs === undefined) return;
    this.#cleanup.abort();
    this.#cleanup = new AbortController();
    const done = this.#cleanup.signal;
    this.#every("repeat the clean-up", cleanupRepeatMs, done, send);
  }

  /** Asks every member of the own cluster instance to clean up. */
  sendCleanupCluster(): Promise<void> {
    const { clusterId, clusterInstanceId } = this.#options.member.identity;
    return this.#send({
      topic: "instance/notifier/InstanceCleanupClusterEvent",
      payload: { clusterId, clusterInstanceId },
    });
  }

  /** Publishes anything, as it is. */
  async publish(topic: string, payload: string | Uint8Array): Promise<void> {
    this.#note({ kind: "published", topic, atMs: this.#atMs });
    await this.#connection.publish(topic, payload);
  }

  /** Ends the connection and the session. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= (async () => {
      this.#cleanup.abort();
      const ended = this.#tasks.close(2_000);
      await this.#connection[Symbol.asyncDispose]();
      await ended;
    })();
  }

  get #atMs(): number {
    return this.#clock.monotonicMs();
  }

  #arrived(message: AgentMessage): void {
    const judgement = judge(message, (memberId) => {
      const member = this.#members.find(memberId);
      return member && { identity: member.identity, state: currentState(member) };
    });
    for (const entry of entriesOf(judgement, message.topic, this.#atMs)) this.#note(entry);
    if (judgement.kind === "request") this.#answer(judgement.event);
    if (judgement.kind === "accepted") this.#accept(judgement);
  }

  #answer(request: string): void {
    if (!(this.#options.answersRequests ?? true)) return;
    if (request === "CompleteTopologyRequestEvent") {
      this.#react("answer with the topology", () => this.publishCompleteTopology());
    } else if (request === "CompleteTenantRequestEvent") {
      this.#react("answer with the tenants", () => this.publishCompleteTenants());
    }
  }

  #accept({ event, memberId }: Extract<Judgement, { kind: "accepted" }>): void {
    const member = this.#members.enter(memberId, statusRules[event].becomes);
    this.#react("tell the member's state", () => this.#tell(member));
    if (event === "InstanceStartedEvent") {
      for (const repository of this.#repositories) {
        this.#react("send the repository", () => this.publishArtifactUpdated({}, repository));
      }
    }
    if (event === "InstanceReadyToShutdownEvent" && memberId === this.#own) this.#cleanup.abort();
  }

  #tell(member: Member): Promise<void> {
    return this.#send(memberEvent(member, this.#facts));
  }

  #send({ topic, payload }: PlatformEvent): Promise<void> {
    return this.publish(topic, gsonText(payload));
  }

  /** Publishes in reaction to a message; in order, because each is handed over at once. */
  #react(what: string, publish: () => Promise<void>): void {
    // The group supervises the task: a failure is logged, and disposing waits for its end.
    void this.#tasks.start(what, publish);
  }

  #startInterval(): void {
    const { completeIntervalMs } = this.#options;
    if (completeIntervalMs === undefined) return;
    this.#every("publish everything", completeIntervalMs, this.#tasks.signal, async () => {
      await this.publishCompleteTopology();
      await this.publishCompleteTenants();
    });
  }

  #every(what: string, ms: number, done: AbortSignal, publish: () => Promise<void>): void {
    const until = (closed: AbortSignal) => AbortSignal.any([closed, done]);
    // Supervised by the group, as above.
    void this.#tasks.start(what, (closed) => repeat(publish, ms, this.#clock, until(closed)));
  }

  #isCalled(entry: PlatformEntry, name: string): boolean {
    if (entry.kind === "request") return entry.event === name;
    return entry.kind === "status" && entry.accepted && entry.event === name &&
      entry.memberId === this.#own;
  }

  #note(entry: PlatformEntry): void {
    this.#journal.add(entry);
    this.#options.onEntry?.(entry);
  }
}

import { engineContract } from "./engine_contract.ts";
import { systemGitOptions } from "./system_git_playground.ts";

engineContract({ name: "git", options: systemGitOptions });

//! `toolgate policy schema`

use crate::answer::{Answer, Done};
use crate::shell::Shell;

/// Prints the JSON Schema of policy documents, for editors.
pub(crate) fn run(shell: &mut Shell) -> Done {
    shell.line(toolgate_policy::policy_json_schema())?;
    Ok(Answer::Yes)
}

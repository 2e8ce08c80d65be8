//! Who may use the admin API: people, and the tokens of programs.

pub(crate) mod tokens;
pub(crate) mod users;

use serde::{Deserialize, Serialize};
use toolgate_store::Role;
use utoipa::ToSchema;

/// What somebody may do; each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleName {
    /// Looks.
    Viewer,
    /// Changes policies.
    PolicyManager,
    /// Changes everything.
    Admin,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::PolicyManager => Self::PolicyManager,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Viewer => Self::Viewer,
            RoleName::PolicyManager => Self::PolicyManager,
            RoleName::Admin => Self::Admin,
        }
    }
}

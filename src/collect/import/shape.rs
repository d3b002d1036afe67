//! The shape of an import: what the script writes, property names as the cmdlets have them.

// The words are those of the cmdlets, and stand in the published schema as they are.
#![allow(clippy::doc_markdown, clippy::struct_field_names)]

use schemars::JsonSchema;
use serde::Deserialize;

use super::lax::{Flag, List, Number, Text, Time};

/// An import, made by the script that `syncready collect --script` prints.
///
/// A list is `null` where the script could not read it; `errors` says why.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(title = "syncready import")]
pub struct File {
    /// Version of this shape.
    pub format: i64,
    /// Always `syncready-import`.
    pub kind: Text,
    /// When it was made.
    pub made_at: Time,
    /// Whose script made it.
    #[serde(default)]
    pub tool: Tool,
    /// Name of the Exchange organization.
    #[serde(default)]
    pub organization: Text,
    /// Server on which the script ran.
    #[serde(default)]
    pub server: Text,
    /// The accounts it was made for.
    pub accounts: List<Account>,
    /// ApplicationImpersonation and the roles made from it, by name.
    #[serde(default)]
    pub roles: List<Text>,
    /// `Get-ManagementRoleAssignment -Role` for each of the roles.
    #[serde(default)]
    pub assignments: List<Assignment>,
    /// The same with `-GetEffectiveUsers`.
    #[serde(default)]
    pub effective: List<Effective>,
    /// Groups to which the roles are assigned, and the groups in them.
    #[serde(default)]
    pub groups: List<Group>,
    /// `Get-ManagementScope`, those for recipients.
    #[serde(default)]
    pub scopes: List<Scope>,
    /// `Get-OrganizationConfig`.
    #[serde(default)]
    pub organization_config: List<OrganizationConfig>,
    /// What could not be read.
    #[serde(default)]
    pub errors: List<Failure>,
}

/// Name and version of the program whose script made an import.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tool {
    /// Name.
    pub name: Text,
    /// Version.
    pub version: Text,
}

/// Something that the script could not read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Failure {
    /// What was asked.
    pub call: Text,
    /// What the shell said.
    pub text: Text,
}

/// One account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Account {
    /// Its address, as the script was given it.
    pub address: Text,
    /// `Get-User`.
    #[serde(default)]
    pub user: List<User>,
    /// Names of the assignments that reach it: `Get-ManagementRoleAssignment -RoleAssignee`.
    #[serde(default)]
    pub assignments: List<Effective>,
    /// The own mailbox and each target: `Get-ManagementRoleAssignment -WritableRecipient`.
    #[serde(default)]
    pub reach: List<Reach>,
    /// `Get-Recipient`.
    #[serde(default)]
    pub recipient: List<Recipient>,
    /// `Get-Mailbox`.
    #[serde(default)]
    pub mailbox: List<Mailbox>,
    /// `Get-MailboxStatistics`.
    #[serde(default)]
    pub statistics: List<Statistics>,
    /// `Get-CASMailbox`.
    #[serde(default)]
    pub cas: List<Switches>,
    /// Objects of Active Directory that carry the address or the sign-in name.
    #[serde(default)]
    pub objects: List<DirectoryObject>,
    /// The password rules of its domain.
    #[serde(default)]
    pub domain: List<Domain>,
}

/// The user behind an account.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct User {
    /// Name.
    pub name: Text,
    /// Canonical name.
    pub identity: Text,
    /// Distinguished name.
    pub distinguished_name: Text,
    /// Account name.
    pub sam_account_name: Text,
    /// Sign-in name.
    pub user_principal_name: Text,
}

/// A role assignment.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Assignment {
    /// Name.
    pub name: Text,
    /// Role.
    pub role: Text,
    /// Who holds it.
    pub role_assignee: Text,
    /// The same, name only.
    pub role_assignee_name: Text,
    /// RoleGroup, SecurityGroup, User …
    pub role_assignee_type: Text,
    /// Regular, Delegating or DelegatingOrgWide.
    pub role_assignment_delegation_type: Text,
    /// Whether it is in force.
    pub enabled: Flag,
    /// Organization, CustomRecipientScope, ExclusiveRecipientScope, OU …
    pub recipient_write_scope: Text,
    /// Custom or exclusive scope.
    pub custom_recipient_write_scope: Text,
    /// Organizational unit.
    pub recipient_organizational_unit_scope: Text,
    /// Last change.
    #[serde(rename = "WhenChangedUTC")]
    pub when_changed_utc: Time,
}

/// An assignment that reaches a user.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Effective {
    /// Assignment.
    pub name: Text,
    /// Name of the user.
    pub effective_user_name: Text,
    /// The user.
    pub user: Text,
    /// Direct, SecurityGroup, RoleGroup or RoleAssignmentPolicy.
    pub assignment_method: Text,
    /// By which groups.
    pub assignment_chain: Text,
}

/// A role group, security group or distribution group.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Group {
    /// Name.
    pub name: Text,
    /// Canonical name.
    pub identity: Text,
    /// `Universal, SecurityEnabled`, `Universal` …
    pub group_type: Text,
    /// RoleGroup, MailUniversalDistributionGroup …
    pub recipient_type_details: Text,
    /// Direct members, canonical names.
    pub members: List<Text>,
    /// Owners, canonical names.
    pub managed_by: List<Text>,
    /// Last change.
    #[serde(rename = "WhenChangedUTC")]
    pub when_changed_utc: Time,
}

/// A management scope for recipients.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Scope {
    /// Name.
    pub name: Text,
    /// Filter.
    pub recipient_filter: Text,
    /// Organizational unit under which the filter holds.
    pub recipient_root: Text,
    /// Shuts out everybody who does not hold it.
    pub exclusive: Flag,
    /// Last change.
    #[serde(rename = "WhenChangedUTC")]
    pub when_changed_utc: Time,
}

/// What Exchange says of one mailbox.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reach {
    /// Its address, as the script was given it.
    pub target: Text,
    /// Names of the account's assignments by which it is writable.
    pub assignments: List<Text>,
    /// Names of management scopes that hold it.
    pub scopes: List<Text>,
}

/// A recipient.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Recipient {
    /// Kind.
    pub recipient_type_details: Text,
    /// Primary address.
    pub primary_smtp_address: Text,
    /// All addresses, with their kind in front.
    pub email_addresses: List<Text>,
}

/// A mailbox.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Mailbox {
    /// Kind.
    pub recipient_type_details: Text,
    /// Primary address.
    pub primary_smtp_address: Text,
    /// All addresses, with their kind in front.
    pub email_addresses: List<Text>,
    /// Not in address lists.
    pub hidden_from_address_lists_enabled: Flag,
    /// Size from which nothing can be sent.
    pub prohibit_send_quota: Text,
    /// Database's quotas hold instead of its own.
    pub use_database_quota_defaults: Flag,
}

/// How full a mailbox is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Statistics {
    /// Size.
    pub total_item_size: Text,
    /// Quota of its database.
    pub database_prohibit_send_quota: Text,
}

/// Switches for Exchange Web Services.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct Switches {
    /// Open at all; null: unset.
    pub ews_enabled: Flag,
    /// EnforceAllowList or EnforceBlockList.
    pub ews_application_access_policy: Text,
    /// User agents allowed.
    pub ews_allow_list: List<Text>,
    /// User agents blocked.
    pub ews_block_list: List<Text>,
}

/// Settings of the organization.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct OrganizationConfig {
    /// Open at all; null: unset.
    pub ews_enabled: Flag,
    /// EnforceAllowList or EnforceBlockList.
    pub ews_application_access_policy: Text,
    /// User agents allowed.
    pub ews_allow_list: List<Text>,
    /// User agents blocked.
    pub ews_block_list: List<Text>,
    /// None, Local or Remote.
    pub public_folders_enabled: Text,
    /// Modern authentication.
    #[serde(rename = "OAuth2ClientProfileEnabled")]
    pub oauth2_client_profile_enabled: Flag,
}

/// An object of Active Directory, attributes as they are stored.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DirectoryObject {
    /// distinguishedName
    #[serde(rename = "distinguishedName")]
    pub distinguished_name: Text,
    /// Most specific objectClass.
    #[serde(rename = "objectClass")]
    pub object_class: Text,
    /// sAMAccountName
    #[serde(rename = "sAMAccountName")]
    pub sam_account_name: Text,
    /// userPrincipalName
    #[serde(rename = "userPrincipalName")]
    pub user_principal_name: Text,
    /// displayName
    #[serde(rename = "displayName")]
    pub display_name: Text,
    /// userAccountControl
    #[serde(rename = "userAccountControl")]
    pub user_account_control: Number,
    /// msDS-User-Account-Control-Computed
    #[serde(rename = "msDS-User-Account-Control-Computed")]
    pub user_account_control_computed: Number,
    /// lockoutTime, 100 ns since 1601
    #[serde(rename = "lockoutTime")]
    pub lockout_time: Number,
    /// pwdLastSet, 100 ns since 1601
    #[serde(rename = "pwdLastSet")]
    pub pwd_last_set: Number,
    /// msDS-UserPasswordExpiryTimeComputed, 100 ns since 1601
    #[serde(rename = "msDS-UserPasswordExpiryTimeComputed")]
    pub password_expires: Number,
}

/// A domain's rules, attributes as they are stored.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Domain {
    /// lockoutThreshold
    #[serde(rename = "lockoutThreshold")]
    pub lockout_threshold: Number,
    /// lockoutDuration, negative 100 ns
    #[serde(rename = "lockoutDuration")]
    pub lockout_duration: Number,
}

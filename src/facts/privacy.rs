//! What the value of a fact may tell of people and of their organization, path by path: the one place
//! where it is declared which fact may leave the house as it is.
//!
//! A path that stands nowhere here is [`Privacy::Unknown`]: whatever text it holds is taken out. Numbers,
//! times and truth values are no text.

use std::{collections::HashMap, sync::LazyLock};

use super::catalogue::{self, Kind};

/// What a text at a fact's path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// A word of a documented set, a code, a version, an id that Microsoft gives to everybody.
    Public,
    /// An id of a request, by which a vendor finds it in its logs.
    Request,
    /// A mail address or sign-in name.
    Address,
    /// A host or domain.
    Host,
    /// An address of a host, with or without a port.
    Ip,
    /// An id of an object.
    Id,
    /// A URL.
    Url,
    /// A name that somebody gave to something; the word says to what.
    Named(&'static str),
    /// A name or a host or a URL or an address, as its form tells.
    Formed(&'static str),
    /// A name of which many are Microsoft's own and known to everybody.
    Known(&'static str),
    /// A path of public folders, with backslashes.
    Folders,
    /// A mailbox and a folder in it, as cmdlets write them.
    MailboxFolder,
    /// A distinguished name, or the subject of a certificate.
    Distinguished,
    /// The digest of a certificate.
    Thumbprint,
    /// A position in the organization.
    Position,
    /// A name of a client program, with stars.
    Agent,
    /// A filter with values in quotes.
    Filter,
    /// Words of a server or of this program.
    Prose,
    /// A piece of a secret.
    Secret,
    /// As the fact that the field `fact` beside it names.
    Other,
    /// Not declared.
    Unknown,
}

use Privacy::{
    Address, Agent, Distinguished, Filter, Folders, Formed, Host, Id, Ip, Known, MailboxFolder, Named, Other,
    Position, Prose, Public, Request, Secret, Thumbprint, Url,
};

/// Class → paths, group by group: `group: field field`.
const DECLARED: &[(Privacy, &str)] = &[
    (
        Public,
        "dns: hosts[].purposes hosts[].result
         proxy: hosts[].result
         tcp: hosts[].result
         tls: hosts[].result hosts[].version
         endpoints: cloud
         tenant: region_scope region_sub_scope cloud_instance cloud
         service: issues[].id issues[].service issues[].classification issues[].status issues[].feature \
                  issues[].feature_group issues[].origin
         organization: ews_application_access_policy public_folders_enabled
         reader: kind error permissions directory_roles needs[].permission needs[].facts write_permissions
         world: kind mailbox_location identity protocol sign_in cloud source phase
         subject: kind scheme
         request: features scope
         attest: answers[].question
         account: usage_location user_type creation_type roles[].template_id eligible_roles[].template_id
         active_directory: refusal
         directory: source duplicates[].kind
         sso: realm.namespace realm.protocol domain.authentication rollout.policies[].feature \
              federation.mfa_behavior
         mfa: per_user_state policies[].state policies[].undecided policies[].source methods \
              registration_methods
         app: disabled_by_microsoft kind credentials[].kind
         consent: application[].permission delegated[].permission
         sign_in: not_attempted_because flow error suberror error_codes identity_kind roles scopes capabilities
         sign_in_log: user[].conditional_access user[].country product[].country
         license: skus plans[].id plans[].name plans[].sku plans[].status plans[].kind \
                  assignment_errors[].sku_id assignment_errors[].error
         mailbox: graph_code recipient_type move_status cas.ews_application_access_policy location
         discovery: records[].kind hops[].result problem source
         ews_endpoint: result challenges
         ews: server_version own.not_attempted_because own.result own.code own.challenges \
              impersonated.result impersonated.code others[].result others[].code \
              own.reason impersonated.reason others[].reason
         public_folders: route.source root.result root.code root.reason folders[].shown folders[].result \
                         folders[].code folders[].class folders[].level folders[].through
         impersonation: leftovers[].assignee_type
         rbac: source assignments[].assignee_type assignments[].kind assignments[].method \
               assignments[].write_scope
         imports: files[].tool contradictions[].fact
         scope: access_policies[].right access_policy_tests[].result role_assignments[].permissions \
                role_assignments[].scope_kind wanted_tests[].policy wanted_tests[].role \
                delegate_tests[].folder delegate_tests[].code mailbox_permissions[].rights \
                folder_permissions[].folder folder_permissions[].rights
         graph: targets[].result targets[].code targets[].reason
         refusal: closed[].reason as_product.not_attempted_because as_product.result as_product.reason \
                  by_graph.not_attempted_because by_graph.result by_graph.reason
         sync: protocol access run_id ended parts mailboxes[].role steps[].step steps[].role \
               steps[].result steps[].code steps[].answer steps[].rca_test leftovers[].kind leftovers[].place \
               leftovers[].run left[].kind",
    ),
    (
        Request,
        "sign_in: trace_id correlation_id
         sync: steps[].request_ids",
    ),
    (
        Address,
        "subject: username
         request: targets wanted_users consenting_admin
         account: address upn mail proxy_addresses primary_address duplicates[].upn
         directory: upn
         app: identities[].upn
         mailbox: primary_address addresses
         ews: impersonated.suggested_address others[].target
         public_folders: route.anchor route.mailbox
         rbac: reach[].target
         scope: access_policy_tests[].target role_assignments[].target role_groups[].targets \
                wanted_members wanted_tests[].target delegate_tests[].target mailbox_permissions[].target \
                folder_permissions[].target
         graph: targets[].target
         refusal: opened closed[].target
         sync: mailboxes[].address steps[].mailbox leftovers[].mailbox left[].mailbox",
    ),
    (
        Host,
        "dns: hosts[].host hosts[].aliases
         proxy: hosts[].host
         tcp: hosts[].host
         tls: hosts[].host hosts[].names
         clock: host
         endpoints: sign_in graph exchange
         tenant: domain graph_host
         account: domain
         active_directory: host
         sso: domain.name
         rbac: server
         imports: files[].server",
    ),
    (
        Ip,
        "dns: hosts[].addresses servers
         tcp: hosts[].failed_addresses
         sign_in_log: user[].ip product[].ip",
    ),
    (
        Id,
        "tenant: id configured_id
         organization: ews_allowed_app_ids public_folder_mailbox
         reader: client_id
         subject: client_id
         account: id duplicates[].id
         mfa: policies[].id
         app: client_id id owner_tenant assigned_principals registration_id credentials[].key_id \
              identities[].id
         consent: delegated[].principal_id
         sign_in: policy_ids tenant_id app_id
         sign_in_log: user[].app_id
         scope: exchange_principal_object_id",
    ),
    (
        Url,
        "proxy: url
         sso: realm.auth_url
         mailbox: route_url
         discovery: configured_url hops[].url hops[].target problem_target ews_url
         ews_endpoint: url location",
    ),
    (
        Named("group"),
        "request: wanted_group scope: access_policies[].group role_groups[].group role_groups[].nested",
    ),
    (Known("group"), "rbac: groups[].name groups[].through groups[].dead_ends assignments[].assignee"),
    (
        Known("role"),
        "account: roles[].name eligible_roles[].name rbac: roles assignments[].role scope: role_assignments[].role",
    ),
    (
        Named("assignment"),
        "impersonation: leftovers[].name
         rbac: assignments[].name reach[].by",
    ),
    (Known("assignee"), "impersonation: leftovers[].assignee"),
    (
        Named("scope"),
        "rbac: assignments[].scope scopes[].name scopes[].root reach[].scopes reach[].guarded_by
         scope: role_assignments[].scope",
    ),
    (
        Named("name"),
        "account: display_name given_name surname duplicates[].display_name
         directory: display_name
         attest: answers[].name",
    ),
    (Known("answer"), "attest: answers[].answer"),
    (Named("user"), "directory: account_name duplicates[].account_name"),
    (
        Named("policy"),
        "sso: rollout.policies[].name mfa: policies[].name excluded_by sign_in: policy_names sign_in_log: user[].policies product[].policies",
    ),
    (Known("policy"), "policies: user_consent"),
    (
        Known("app"),
        "app: display_name disabled_resources consent: application[].resource delegated[].resource sign_in_log: user[].app_name apps",
    ),
    (Known("control"), "mfa: policies[].controls"),
    (Named("credential"), "app: credentials[].name"),
    (Named("organization"), "imports: files[].organization"),
    (Named("brand"), "sso: realm.brand"),
    (Named("file"), "imports: files[].file contradictions[].file"),
    (Named("item"), "sync: leftovers[].id left[].id"),
    (Formed("target"), "discovery: records[].name records[].target sign_in: audience sso: federation.issuer"),
    (
        Folders,
        "request: public_folders public_folders: folders[].path folders[].missing_below folders[].beside sync: steps[].subject",
    ),
    (MailboxFolder, "scope: folder_permissions[].name"),
    (
        Distinguished,
        "tls: hosts[].subject hosts[].issuer
         subject: certificate.subject
         directory: distinguished_name duplicates[].distinguished_name",
    ),
    (
        Thumbprint,
        "subject: certificate.thumbprint certificate.thumbprint_sha256 app: credentials[].thumbprint",
    ),
    (Position, "account: job_title"),
    (
        Agent,
        "subject: user_agent organization: ews_allow_list ews_block_list mailbox: cas.ews_allow_list cas.ews_block_list",
    ),
    (Filter, "rbac: scopes[].filter"),
    (
        Prose,
        "dns: hosts[].text
         proxy: hosts[].text
         tls: hosts[].text
         endpoints: custom
         tenant: error_text
         service: issues[].title
         reader: error_text
         active_directory: error_text
         sign_in: error_text
         sign_in_log: user[].reason product[].reason
         discovery: records[].result
         ews_endpoint: policy_reason server text
         ews: own.text own.policy_reason own.diagnostics impersonated.text impersonated.policy_reason \
              impersonated.diagnostics others[].text others[].policy_reason
         public_folders: route.text root.text root.policy_reason folders[].text
         imports: files[].errors
         graph: targets[].text
         sync: traces mailboxes[].read_only steps[].text steps[].differences steps[].proves \
               leftovers[].because left[].because",
    ),
    (Secret, "app: credentials[].hint"),
    (Other, "imports: contradictions[].imported contradictions[].live"),
];

/// Lists whose elements look like those of another list, although the catalogue does not say all of them.
const ALIKE: &[(&str, &str)] =
    &[("sign_in_log.product[].", "sign_in_log.user[]."), ("account.eligible_roles[].", "account.roles[].")];

/// (Group, field) → class.
static BY_PATH: LazyLock<HashMap<(&'static str, &'static str), Privacy>> = LazyLock::new(|| {
    DECLARED.iter().flat_map(|(class, paths)| entries(paths).map(|entry| (entry, *class))).collect()
});

/// What a text at this path is; `[]` stands for the elements of a list, and the path of a list of plain
/// texts for its elements too.
pub fn of(path: &str) -> Privacy {
    let path = path.strip_suffix("[]").unwrap_or(path);
    if let Some(found) = declared(path) {
        return found;
    }
    let alike = ALIKE.iter().find_map(|(list, like)| Some(format!("{like}{}", path.strip_prefix(list)?)));
    alike.and_then(|path| declared(&path)).unwrap_or(Privacy::Unknown)
}

fn declared(path: &str) -> Option<Privacy> {
    BY_PATH.get(&path.split_once('.')?).copied()
}

fn entries(paths: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut group = "";
    paths.split_whitespace().filter_map(move |word| match word.strip_suffix(':') {
        Some(name) => {
            group = name;
            None
        }
        None => Some((group, word)),
    })
}

/// Every path of the catalogue at which a text may stand.
pub fn texts() -> impl Iterator<Item = String> {
    catalogue::GROUPS.iter().flat_map(|group| {
        let plain = |fact: &&catalogue::Fact| match fact.kind {
            Kind::Text => true,
            Kind::List => {
                let inner = format!("{}[]", fact.path);
                !group.facts.iter().any(|other| other.path.starts_with(&inner))
            }
            Kind::Bool | Kind::Int | Kind::Object | Kind::Time => false,
        };
        group.facts.iter().filter(plain).map(|fact| format!("{}.{}", group.name, fact.path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_the_catalogue_is_declared() {
        let open: Vec<_> = texts().filter(|path| of(path) == Privacy::Unknown).collect();
        assert!(open.is_empty(), "say in {} what these are: {open:?}", file!());
    }

    #[test]
    fn every_declared_path_is_a_fact_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for (_, paths) in DECLARED {
            for (group, field) in entries(paths) {
                let path = format!("{group}.{field}");
                assert!(catalogue::fact(&path).is_some(), "{path} is no fact");
                assert!(seen.insert(path.clone()), "{path} stands twice");
            }
        }
    }

    #[test]
    fn what_nobody_declared_is_unknown() {
        assert_eq!(of("external.crm.owner"), Privacy::Unknown);
        assert_eq!(of("account.nickname"), Privacy::Unknown);
    }

    #[test]
    fn elements_of_like_lists_are_alike() {
        assert_eq!(of("sign_in_log.product[].ip"), Ip);
        assert_eq!(of("dns.hosts[].addresses[]"), Ip);
    }
}

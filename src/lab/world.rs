//! The state of a simulated Microsoft world: one JSON document, patched by a scenario.
//!
//! A world is what an administrator could have set up; every server of the lab computes its answers
//! from it, so that one patch (a disabled user) shows everywhere as it would in reality (the Graph
//! object, the token endpoint, the mailbox). Collections are maps keyed by a short name, so that an
//! RFC 7396 merge patch can change or remove (`null`) one element; a property that is missing and one
//! that is null are the same to every server. Text of the form `@now-120d` (units `s`, `m`, `h`, `d`)
//! is a time relative to the start of the lab; in braces (`{@now-5m}/7`) it may stand within a text.
//!
//! ```text
//! kind                  online-delegated | online-graph-app | online-ews-app | exchange-server
//! account               the address that a scenario examines unless it says otherwise
//! tenant                id, domain, initial_domain, display_name, exists, region_scope, region_sub_scope,
//!                       cloud_instance, graph_host, premium (false: no Entra P1/P2), token_seconds (how long an access
//!                       token lives; 3599)
//! realms{DOMAIN}        account_type Managed|Federated, brand, auth_url, active_auth_url, metadata_url, protocol,
//!                       other_tenant (true: the domain is somebody else's)
//! domains{DOMAIN}       Graph domain object + x.federation (internalDomainFederation object, x.not_after, or null)
//! users{KEY}            Graph user object + x:
//!                         password, refresh_token, connected_at, locked, per_user_mfa, manager (user key),
//!                         methods{KEY: {type, …}}, registration{Graph registration details},
//!                         licenses{KEY: part number, or {sku, disabled_plans[], state, error, status{PLAN: …}}},
//!                         roles{KEY: role name}, eligible_roles{KEY: role name}, groups[group keys],
//!                         token_error {code, suberror, description, policies[]}: what the token endpoint says
//! deleted_users{KEY}    Graph user object + deletedDateTime
//! groups{KEY}           Graph group object + x.member_of[group keys], x.owners[user keys]
//! administrative_units{KEY}  Graph object + x.members[user keys]
//! service_principals{KEY}  Graph object + x:
//!                         secret, refresh_token,
//!                         app_role_assignments{KEY: {resource, permission, created}} (resource: a key here),
//!                         oauth2_grants{KEY: {consentType, principal (user key), resource, scope}},
//!                         roles{KEY: role name}, assigned{KEY: {user|group: key}}, token_error
//! applications{KEY}     Graph application object (passwordCredentials and keyCredentials are lists; the entry
//!                       {certificate: NAME} stands for an uploaded certificate) + x.federated{KEY: {issuer,
//!                       subject, audience}}
//! certificates{NAME}    name, starts, ends (days from now); pem, once it is made
//! policies              security_defaults, conditional_access{KEY: Graph policy}, named_locations{},
//!                       authorization, rollout{KEY: {displayName, feature, isEnabled, x.groups[group keys]}},
//!                       home_realm{KEY: {displayName, definition[JSON texts]}}, cloud_password_policy_for_synced
//! client                ip, country: where the sign-in service sees the caller
//! sign_ins{KEY}         createdDateTime, user | service_principal, app (keys), errorCode, failureReason,
//!                       conditionalAccessStatus, clientAppUsed, isInteractive, policies[policy keys], ip, country
//! service_health{ID}    Graph serviceHealthIssue object; endDateTime: it is over
//! subscribed_skus{PART} skuId, plans{id: name}, capabilityStatus?
//! exchange              organization{}, mailboxes{KEY: cmdlet properties + cas{} + x{graph_error{status, code,
//!                       message}, full_access{user key: [rights]}, used_bytes, quarantined,
//!                       folders{calendar|contacts: {shown, items, permissions{user key: level}}}, soft_deleted, location,
//!                       content{folders{KEY: {below, shown, class, created, by, extended}},
//!                       items{KEY: {folder, created, modified, by, content}}} (below and folder are keys or names of
//!                       default folders; extended and content as a dump of the lab shows them)}},
//!                       access_policies{KEY: {AppId, AccessRight, ScopeName, x.members[]}},
//!                       access_policy_tests{ADDRESS: Granted|Denied} (in place of what the policies say),
//!                       role_assignments{KEY: {app (key), role, permissions[], scope, scope_type, members[], unit (key of an
//!                       administrative unit, in place of the three)}},
//!                       service_principals{KEY: {AppId, ObjectId, DisplayName}},
//!                       leftovers{KEY: Get-ManagementRoleAssignment row},
//!                       public_folders{KEY: {path (with backslashes), class, permissions{mailbox key, group key
//!                       or Default: level}, items[subjects], content {address, guid, broken (its items do not
//!                       open)}: the mailbox that keeps them, otherwise that of the hierarchy}} (folders above are rows too),
//!                       public_folder_mailbox {address, server}: told by Autodiscover, demanded as headers;
//!                       members: keys of users or groups (direct members count), addresses or *; none: everybody
//! ews                   host, kind online|exchange-server, version, challenges[], logon_form,
//!                       users{KEY: {names[], password, mailbox, state ok|locked|disabled|expired}},
//!                       minute_ms (how long a minute of a subscription or a stream lasts here; 60000),
//!                       quirks{any_change_key (an old one is no conflict), no_events (subscriptions tell of nothing)},
//!                       impersonators{user or app key: {allow[], deny[]}},
//!                       mailbox_errors{ADDRESS: {status, code, text, http, impersonated (only where somebody acts for it)}}
//! rbac                  Exchange Server: assignments{KEY: {name, group | user, kind, enabled, scope, changed}},
//!                       groups{KEY: {name, kind role-group|security|distribution, members[], managers[], changed}},
//!                       scopes{KEY: {name, filter, members[addresses or *], exclusive, changed}}; members and
//!                       managers are keys of directory objects or of groups; a user in ews.impersonators
//!                       is let in by that entry alone
//! crowd                 users and mailboxes that are computed from their number, 1 to count (at most 9999999):
//!                       count, user and mailbox (as above, {n} in a text is the number in seven digits; what is
//!                       usual stands in worlds/crowd.json: boxNNNNNNN@contoso.com), variants{KEY: {every, at: the
//!                       numbers that leave this rest, user, mailbox (patches; false: there is none)}}; alias,
//!                       elsewhere, ews-off, none and outside are there and want only an `every`. A list of members
//!                       reaches them by `crowd` (`outside` for those) or by the groups of their users
//! directory             Active Directory: domain{lockoutThreshold, lockout_minutes (0: no end)},
//!                       objects{KEY: attributes; pwdLastSet, lockoutTime and expires are times, 0 or null;
//!                       password, unless it is that of ews.users{KEY}}, other_domains[names]
//! import                what the script wrote, and when: {made, accounts[keys], targets[]}; null: nobody ran it
//! autodiscover          v2{ADDRESS|*: {Protocol: URL} | {error, message} | {redirect: URL}},
//!                       redirects{KEY: {url (a prefix), status, location}}
//! hosts{HOST}           service entra|graph|exchange|exchange-server|autodiscover|managed-identity|active-directory|web,
//!                       dns ok|nxdomain|servfail|timeout|refused|no-data|[addresses], cname, srv "HOST:PORT",
//!                       tcp open|refused|silent,
//!                       tls ok|untrusted|expired|not-yet-valid|wrong-name, certificate_names[],
//!                       http (also plain, port 80), catch_all (a web host that answers every path)
//! dns                   all: one behavior for every name, or null
//! proxy                 null, or {connect: open|authentication-required|forbidden|bad-gateway|reset, hosts{HOST: …}}
//! throttling            graph, ews: null (no limits), or requests (for each app and mailbox) within window_ms (10 minutes),
//!                       app_requests (for each app) within app_window_ms (both flow back evenly), at_once (requests under
//!                       way for each app and mailbox), hanging (the same for streaming connections of EWS), back_off_ms
//!                       (what a refused caller is told to wait; none: until there is budget again; until then it is
//!                       refused), prolongs (true: asking while told to wait begins the waiting anew),
//!                       form (EWS) fault|503|wrapped (ErrorServerBusy in ErrorInternalServerError with status 200)
//! faults{KEY}           host, path (how it begins; * is the rest of a segment, $ at its foot the end), method,
//!                       operation (SOAP element), after
//!                       (so many pass before), times, per_path, delay_ms (alone: latency of that path), and what happens
//!                       instead: status + headers + body | kind garbage|truncated|wrong-type|endless|oversized|reset |
//!                       ews {code, text, form message|fault (status 500)|bare (status 200, as Gromox), values{},
//!                       back_off_ms} | kind lost: it is executed, and answered by status + headers + body, by ews, or by
//!                       a broken connection; parts of a Graph batch are struck too. With a header Via it is a
//!                       gateway's own answer, without the marks of the service
//! identity_header       what the managed-identity service of an App Service wants to see
//! clock_offset_seconds, latency_ms
//! ```

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    LabError,
    crowd::{self, Made},
    index::Index,
    view::View,
};

const CLOUD: &str = include_str!("worlds/cloud.json");
const BASES: &[(&str, &str)] = &[
    ("online-delegated", include_str!("worlds/online-delegated.json")),
    ("online-graph-app", include_str!("worlds/online-graph-app.json")),
    ("online-ews-app", include_str!("worlds/online-ews-app.json")),
    ("exchange-server", include_str!("worlds/exchange-server.json")),
];

/// What stands for anything that a world does not say.
static NOTHING: Value = Value::Null;

/// Names of the base worlds.
pub fn names() -> impl Iterator<Item = &'static str> {
    BASES.iter().map(|(name, _)| *name)
}

/// A world document with its relative times resolved.
#[derive(Debug, Clone)]
pub struct World {
    document: Value,
    index: Index,
    started: Timestamp,
}

impl World {
    /// The healthy world of that name.
    pub fn base(name: &str) -> Result<Value, LabError> {
        let (_, text) = BASES
            .iter()
            .find(|(base, _)| *base == name)
            .ok_or_else(|| LabError::UnknownWorld(name.to_owned()))?;
        let mut patch: Value = parse_embedded(text);
        let extends = patch.as_object_mut().and_then(|map| map.remove("extends")).is_some();
        let mut document = if extends { parse_embedded(CLOUD) } else { Value::Null };
        merge(&mut document, &patch);
        Ok(document)
    }

    /// A world as it is at `now`.
    pub fn new(mut document: Value, now: Timestamp) -> Result<Self, LabError> {
        crowd::complete(&mut document);
        resolve_times(&mut document, now)?;
        let index = Index::new(&document);
        Ok(Self { document, index, started: now })
    }

    /// The whole document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The document with the look-ups that services share.
    pub fn view(&self) -> View<'_> {
        View::new(&self.document, Some(&self.index))
    }

    /// The same with the crowd: its members that are asked for are kept there.
    pub fn view_keeping<'a>(&'a self, made: &'a Made) -> View<'a> {
        self.view().keeping(made)
    }

    /// What the clocks of its servers show.
    pub fn clock(&self) -> Timestamp {
        let offset = self.at("/clock_offset_seconds").as_i64().unwrap_or_default();
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_secs(offset)).unwrap_or(now)
    }

    /// When the lab started: what `@now` stands for.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The value at a JSON pointer; null where nothing stands.
    pub fn at(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or(&NOTHING)
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).as_str()
    }

    /// The elements of the collection at a JSON pointer.
    pub fn entries(&self, pointer: &str) -> impl Iterator<Item = (&str, &Value)> {
        entries(self.at(pointer))
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> &str {
        self.text("/tenant/id").unwrap_or_default()
    }

    /// Whether a domain or id names this tenant.
    pub fn is_tenant(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.tenant_id())
            || self
                .entries("/realms")
                .any(|(domain, realm)| realm["other_tenant"] != true && domain.eq_ignore_ascii_case(name))
    }

    /// The user with that object id or user principal name, and its key.
    pub fn user(&self, name: &str) -> Option<(&str, &Value)> {
        self.users_named(name)
            .find(|(_, user)| ["id", "userPrincipalName"].iter().any(|field| is(&user[*field], name)))
    }

    /// The user whose session that refresh token continues, and its key.
    pub fn user_of_session(&self, refresh_token: &str) -> Option<(&str, &Value)> {
        self.users_named(refresh_token).find(|(_, user)| user["x"]["refresh_token"] == refresh_token)
    }

    fn users_named(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let users = self.at("/users");
        self.index.users.keys(&[name]).into_iter().map(|key| (key, &users[key]))
    }

    fn mailboxes_named(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let mailboxes = self.at("/exchange/mailboxes");
        self.index.mailboxes.keys(&[name]).into_iter().map(|key| (key, &mailboxes[key]))
    }

    /// The service principal with that app id, and its key.
    pub fn service_principal(&self, app_id: &str) -> Option<(&str, &Value)> {
        self.entries("/service_principals").find(|(_, principal)| is(&principal["appId"], app_id))
    }

    /// The app registration with that app id, and its key.
    pub fn application(&self, app_id: &str) -> Option<(&str, &Value)> {
        self.entries("/applications").find(|(_, application)| is(&application["appId"], app_id))
    }

    /// The mailbox with that primary address, and its key.
    pub fn mailbox(&self, address: &str) -> Option<(&str, &Value)> {
        self.mailboxes_named(address).find(|(_, mailbox)| is(&mailbox["PrimarySmtpAddress"], address))
    }

    /// The mailbox that has the address among its addresses, and its key.
    pub fn mailbox_by_any_address(&self, address: &str) -> Option<(&str, &Value)> {
        self.mailboxes_named(address).find(|(_, mailbox)| {
            items(&mailbox["EmailAddresses"]).filter_map(Value::as_str).any(|entry| {
                entry.get(5..).is_some_and(|own| own.eq_ignore_ascii_case(address))
                    && entry.get(..5).is_some_and(|kind| kind.eq_ignore_ascii_case("smtp:"))
            })
        })
    }

    /// Keys of the groups that a user belongs to, through other groups too.
    pub fn groups_of(&self, user: &Value) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = items(&user["x"]["groups"]).filter_map(Value::as_str).collect();
        while let Some(key) = open.pop() {
            let Some((key, group)) = self.entries("/groups").find(|(name, _)| *name == key) else { continue };
            if found.insert(key) {
                open.extend(items(&group["x"]["member_of"]).filter_map(Value::as_str));
            }
        }
        found
    }
}

/// The elements of a collection.
pub fn entries(collection: &Value) -> impl Iterator<Item = (&str, &Value)> {
    collection
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.as_str(), value))
}

/// The elements of a list; none where the value is not a list.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Whether a value is that text, whatever its case.
pub fn is(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|own| own.eq_ignore_ascii_case(text))
}

/// Template id of a built-in directory role.
pub fn role_template_id(name: &str) -> Option<&'static str> {
    Some(match name {
        "Global Administrator" => "62e90394-69f5-4237-9190-012177145e10",
        "Global Reader" => "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        "Exchange Administrator" => "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "Service Support Administrator" => "f023fd81-a637-4b56-95fd-791ac0226033",
        "Conditional Access Administrator" => "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "User Administrator" => "fe930be7-5e62-47db-91af-98c3a49a38b1",
        _ => return None,
    })
}

/// Applies an RFC 7396 merge patch.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

fn parse_embedded(text: &str) -> Value {
    serde_json::from_str(text).expect("embedded worlds are JSON: proven by a test")
}

fn resolve_times(value: &mut Value, now: Timestamp) -> Result<(), LabError> {
    match value {
        Value::String(text) if text.starts_with("@now") => {
            *text = relative(text, now).ok_or_else(|| LabError::Time(text.clone()))?;
        }
        Value::String(text) if text.contains(WITHIN) => {
            *text = filled(text, now).ok_or_else(|| LabError::Time(text.clone()))?;
        }
        Value::Array(list) => list.iter_mut().try_for_each(|item| resolve_times(item, now))?,
        Value::Object(map) => map.values_mut().try_for_each(|item| resolve_times(item, now))?,
        _ => {}
    }
    Ok(())
}

/// How a relative time within a text begins.
const WITHIN: &str = "{@now";

/// A text with its relative times resolved.
fn filled(text: &str, now: Timestamp) -> Option<String> {
    let mut parts = text.split(WITHIN);
    let mut whole = parts.next()?.to_owned();
    for part in parts {
        let (offset, rest) = part.split_once('}')?;
        whole += &relative(&format!("@now{offset}"), now)?;
        whole += rest;
    }
    Some(whole)
}

/// The time that `@now-120d` stands for.
pub(super) fn relative(text: &str, now: Timestamp) -> Option<String> {
    let offset = text.strip_prefix("@now")?;
    let seconds = match offset.len() {
        0 => 0,
        length => {
            let (number, unit) = offset.split_at_checked(length - 1)?;
            number.parse::<i64>().ok()?
                * match unit {
                    "s" => 1,
                    "m" => 60,
                    "h" => 3600,
                    "d" => 86_400,
                    _ => return None,
                }
        }
    };
    let time = now.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_base_world_loads_and_has_its_account() {
        for name in names() {
            let world = World::new(World::base(name).unwrap(), now()).unwrap();
            assert_eq!(world.text("/kind"), Some(name));
            let account = world.text("/account").unwrap();
            assert!(world.mailbox(account).is_some(), "{name}");
        }
    }

    #[test]
    fn a_merge_patch_adds_changes_and_removes() {
        let mut document = json!({"a": {"b": 1, "c": [1, 2]}, "d": "e"});
        merge(&mut document, &json!({"a": {"b": null, "c": [3], "f": {"g": null}}, "h": 1}));
        assert_eq!(document, json!({"a": {"c": [3], "f": {}}, "d": "e", "h": 1}));
    }

    #[test]
    fn relative_times_follow_the_start() {
        let world = World::new(json!({"t": ["@now-1d", "@now+90m", "@now"]}), now()).unwrap();
        assert_eq!(
            world.at("/t"),
            &json!(["2026-11-20T08:00:00Z", "2026-11-21T09:30:00Z", "2026-11-21T08:00:00Z"])
        );
        assert!(World::new(json!("@now-1w"), now()).is_err());
        let world = World::new(json!({"t": "{@now-1m}/7 {@now}"}), now()).unwrap();
        assert_eq!(world.at("/t"), "2026-11-21T07:59:00Z/7 2026-11-21T08:00:00Z");
        for wrong in ["{@now-1m", "{@now-1w}"] {
            assert!(World::new(json!(wrong), now()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_are_followed_through_groups() {
        let world = World::new(
            json!({"groups": {"a": {"x": {"member_of": ["b"]}}, "b": {"x": {"member_of": ["a"]}}, "c": {}}}),
            now(),
        )
        .unwrap();
        let found = world.groups_of(&json!({"x": {"groups": ["a"]}}));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_mailbox_is_found_by_its_alias_but_not_as_primary() {
        let world = World::new(World::base("exchange-server").unwrap(), now()).unwrap();
        assert!(world.mailbox("sync@contoso.com").is_none());
        assert_eq!(world.mailbox_by_any_address("Sync@contoso.com").unwrap().0, "svc");
    }
}

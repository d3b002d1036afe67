//! The table of paths that the lab serves, each with what it wants of the caller.

use serde_json::Value;

use super::error::Refusal;
use super::filter::Filter;
use super::odata::Query;
use super::rights::Right;
use super::{applications as apps, directory as dir, mailbox, policies, service_health, what_if};
use crate::lab::ask::Ask;
use crate::lab::store::Store;
use crate::lab::view::View;

/// One call that matched a route.
pub(super) struct Call<'a> {
    /// The world.
    pub view: View<'a>,
    /// What stands in the mailboxes.
    pub store: &'a Store,
    /// The request.
    pub ask: &'a Ask,
    /// Its query options.
    pub query: Query,
    /// What stood in the place of the pattern's variables, decoded.
    pub args: Vec<String>,
    /// Asked of the beta endpoint.
    pub beta: bool,
}

impl<'a> Call<'a> {
    /// The n-th variable of the path.
    pub(super) fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", String::as_str)
    }

    /// The users that the filter may leave in the list, where it compares one of these properties, all
    /// of which name a user, with texts; `None`: it may leave anybody.
    pub(super) fn users_named(&self, properties: &[&str]) -> Option<Vec<&'a Value>> {
        let filter = self.query.get("filter").and_then(Filter::parse)?;
        Some(self.view.users_named(&filter.wanted(properties)?))
    }

    /// The same among those who are written down, if it may leave anybody.
    pub(super) fn users(&self, properties: &[&str]) -> Vec<&'a Value> {
        self.users_named(properties).unwrap_or_else(|| self.view.rows("users"))
    }

    /// The request's JSON body.
    pub(super) fn body(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.ask.body).map_err(|_| {
            Refusal::new(400, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
        })
    }
}

/// What a handler found.
#[derive(Debug)]
pub(super) enum Found {
    /// One object, still with everything.
    One(Value),
    /// A list, still whole.
    Many(Vec<Value>),
    /// A list of users, still whole, and behind them the crowd, or those of it in this group.
    Everybody(Vec<Value>, Option<String>),
    /// A finished body.
    Raw(Value),
    /// A finished answer.
    Done(Done),
}

/// What became of a request that was not refused.
#[derive(Debug)]
pub(super) struct Done {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Option<Value>,
    /// Headers beside those that every answer carries.
    pub headers: Vec<(String, String)>,
}

impl From<Value> for Done {
    fn from(body: Value) -> Self {
        Self { status: 200, body: Some(body), headers: Vec::new() }
    }
}

/// A handler: from the call to what was found, or a refusal.
pub(super) type Handler = fn(&Call) -> Result<Found, Refusal>;

/// One path.
pub(super) struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Pattern; `*` stands for any one segment.
    pub pattern: &'static str,
    /// Type of the object or of the rows.
    pub entity: &'static str,
    /// Properties that a filter may name, blank-separated.
    pub filters: &'static str,
    /// What the caller needs; mailbox paths decide for themselves.
    pub right: Option<Right>,
    /// Handler.
    pub handler: Handler,
    /// Served by beta alone.
    pub beta_only: bool,
}

/// A path of both endpoints.
const fn get(
    pattern: &'static str,
    entity: &'static str,
    filters: &'static str,
    right: Right,
    handler: Handler,
) -> Route {
    Route { method: "GET", pattern, entity, filters, right: Some(right), handler, beta_only: false }
}

/// A path with mailbox data, which Exchange guards itself.
const fn data(method: &'static str, pattern: &'static str, entity: &'static str, handler: Handler) -> Route {
    Route { method, pattern, entity, filters: "", right: None, handler, beta_only: false }
}

/// An action.
const fn post(pattern: &'static str, right: Right, handler: Handler) -> Route {
    Route { method: "POST", pattern, entity: "", filters: "", right: Some(right), handler, beta_only: false }
}

const USERS: Right = Right::both(
    "User.ReadBasic.All User.Read.All Directory.Read.All User.ReadWrite.All Directory.ReadWrite.All",
)
.own("User.Read User.ReadWrite");
const LICENSES: Right = Right::both(
    "LicenseAssignment.Read.All User.Read.All Directory.Read.All User.ReadWrite.All Directory.ReadWrite.All",
)
.own("User.Read");
const MEMBERS: Right = Right::both(
    "User.Read.All Directory.Read.All GroupMember.Read.All Group.Read.All Group.ReadBasic.All GroupMember.ReadBasic.All Directory.ReadWrite.All",
)
.own("User.Read");
const UNITS: Right = Right::both(
    "AdministrativeUnit.Read.All AdministrativeUnit.ReadWrite.All Directory.Read.All Directory.ReadWrite.All",
);
const DELETED: Right =
    Right::both("User.Read.All Directory.Read.All User.ReadWrite.All Directory.ReadWrite.All");
const DOMAINS: Right = Right::both("Domain.Read.All Directory.Read.All Domain.ReadWrite.All");
const FEDERATION: Right =
    Right::both("Domain-InternalFederation.Read.All Domain-InternalFederation.ReadWrite.All");
const ORGANIZATION: Right = Right::both(
    "Organization.Read.All User.Read.All Directory.Read.All Directory.ReadWrite.All Organization.ReadWrite.All",
)
.own("User.Read");
const SKUS: Right = Right::both(
    "LicenseAssignment.Read.All Organization.Read.All Directory.Read.All Directory.ReadWrite.All Organization.ReadWrite.All",
);
const SYNC: Right =
    Right::both("OnPremDirectorySynchronization.Read.All OnPremDirectorySynchronization.ReadWrite.All")
        .delegated_only();
const APPS: Right = Right::both(
    "Application.Read.All Directory.Read.All Application.ReadWrite.OwnedBy Application.ReadWrite.All Directory.ReadWrite.All",
);
const GRANTS: Right =
    Right::both("Directory.Read.All DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All");
const ASSIGNMENTS: Right = Right::both("Directory.Read.All AppRoleAssignment.ReadWrite.All");
const POLICY_ROLES: &[&str] = &[
    "Security Reader",
    "Security Administrator",
    "Conditional Access Administrator",
    "Authentication Policy Administrator",
];
const POLICY: Right = Right::both("Policy.Read.All").roles(POLICY_ROLES);
const DEFAULTS: Right = Right::both("Policy.Read.All Policy.ReadWrite.SecurityDefaults").roles(POLICY_ROLES);
const AUTHORIZATION: Right =
    Right::both("Policy.Read.All Policy.ReadWrite.Authorization").roles(POLICY_ROLES);
const CONSENT: Right = Right::both("Policy.Read.All Directory.Read.All Policy.ReadWrite.ConsentRequest");
/// Assumed: the permission has an application form, but no source shows it accepted on this path.
const ROLLOUT: Right = Right {
    app: "Policy.Read.HybridAuthentication",
    delegated: "Policy.Read.HybridAuthentication Policy.ReadWrite.HybridAuthentication Directory.ReadWrite.All",
    own: "",
    roles: &[],
};
const EVALUATE: Right =
    Right::both("Policy.Read.ConditionalAccess Policy.Read.All Policy.ReadWrite.ConditionalAccess")
        .roles(POLICY_ROLES);
const METHODS: Right = Right::both(
    "UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All",
)
.own("UserAuthenticationMethod.Read UserAuthenticationMethod.ReadWrite UserAuthenticationMethod.Read.All")
.roles(&["Authentication Administrator", "Authentication Policy Administrator"]);
const REQUIREMENTS: Right = Right::both("Policy.Read.All Policy.ReadWrite.AuthenticationMethod")
    .own("UserAuthenticationMethod.Read")
    .roles(POLICY_ROLES);
const LOGS: Right =
    Right::both("AuditLog.Read.All").roles(&["Security Reader", "Security Administrator", "Reports Reader"]);
const ROLES: Right = Right::both(
    "RoleManagement.Read.Directory Directory.Read.All RoleManagement.Read.All Directory.ReadWrite.All RoleManagement.ReadWrite.Directory",
);
const ELIGIBLE: Right = Right::both(
    "RoleEligibilitySchedule.Read.Directory RoleManagement.Read.All RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory",
);
const HEALTH: Right = Right::both("ServiceHealth.Read.All").roles(&[
    "Service Support Administrator",
    "Helpdesk Administrator",
    "Exchange Administrator",
]);

const CONTACTS: Right = Right::both("OrgContact.Read.All Directory.Read.All Directory.ReadWrite.All");

const USER_FILTERS: &str =
    "id userPrincipalName proxyAddresses mail displayName mailNickname accountEnabled userType";
const LOG_FILTERS: &str = "id userId userPrincipalName appId appDisplayName createdDateTime status ipAddress signInEventTypes servicePrincipalId resourceId conditionalAccessStatus correlationId";
const ISSUE_FILTERS: &str = "id title service classification status origin feature featureGroup isResolved startDateTime endDateTime lastModifiedDateTime";

/// Every path.
pub(super) const ROUTES: &[Route] = &[
    get("users", "user", USER_FILTERS, USERS, dir::list),
    get("users/*", "user", "", USERS, dir::get),
    get("me", "user", "", USERS, dir::get),
    get("users/*/licenseDetails", "licenseDetails", "", LICENSES, dir::license_details),
    get("users/*/manager", "user", "", DELETED, dir::manager),
    get("users/*/transitiveMemberOf", "", "", MEMBERS, dir::transitive),
    get("users/*/transitiveMemberOf/*", "", "", MEMBERS, dir::transitive_cast),
    get("users/*/memberOf", "", "", MEMBERS, dir::direct),
    get("users/*/appRoleAssignments", "appRoleAssignment", "resourceId", ASSIGNMENTS, apps::user_assignments),
    get("users/*/oauth2PermissionGrants", "oAuth2PermissionGrant", "", GRANTS, apps::user_grants),
    get("users/*/authentication/methods", "", "", METHODS, policies::methods),
    Route {
        beta_only: true,
        ..get("users/*/authentication/requirements", "", "", REQUIREMENTS, policies::requirements)
    },
    get("contacts", "orgContact", "id mail displayName proxyAddresses", CONTACTS, dir::org_contacts),
    get("contacts/*", "orgContact", "", CONTACTS, dir::org_contact),
    get("groups", "group", "id mail displayName", MEMBERS, dir::groups),
    get("groups/*/members/*", "user", "", MEMBERS, dir::direct_members_cast),
    get("groups/*/transitiveMembers/*", "user", "", MEMBERS, dir::members_cast),
    get("directory/administrativeUnits/*/members/*", "user", "", UNITS, dir::unit_members_cast),
    post("users/*/checkMemberGroups", MEMBERS, dir::check_groups),
    get("directory/deletedItems/microsoft.graph.user", "user", USER_FILTERS, DELETED, dir::deleted),
    get("directory/deletedItems/*", "user", "", DELETED, dir::deleted_one),
    get("directory/onPremisesSynchronization", "", "", SYNC, dir::synchronization),
    get("domains", "domain", "", DOMAINS, dir::domains),
    get("domains/*", "domain", "", DOMAINS, dir::domain),
    get("domains/*/federationConfiguration", "internalDomainFederation", "", FEDERATION, dir::federation),
    get("organization", "organization", "", ORGANIZATION, dir::organization),
    get("subscribedSkus", "subscribedSku", "", SKUS, dir::skus),
    get(
        "servicePrincipals",
        "servicePrincipal",
        "id appId displayName servicePrincipalType accountEnabled",
        APPS,
        apps::principals,
    ),
    get("servicePrincipals/*", "servicePrincipal", "", APPS, apps::principal_one),
    get(
        "servicePrincipals/*/appRoleAssignments",
        "appRoleAssignment",
        "resourceId",
        APPS,
        apps::role_assignments,
    ),
    get("servicePrincipals/*/appRoleAssignedTo", "appRoleAssignment", "principalId", APPS, apps::assigned_to),
    get(
        "servicePrincipals/*/oauth2PermissionGrants",
        "oAuth2PermissionGrant",
        "",
        GRANTS,
        apps::principal_grants,
    ),
    get(
        "oauth2PermissionGrants",
        "oAuth2PermissionGrant",
        "clientId consentType principalId resourceId",
        GRANTS,
        apps::grants,
    ),
    get("applications", "application", "id appId displayName", APPS, apps::applications),
    get("applications/*", "application", "", APPS, apps::application),
    get("policies/identitySecurityDefaultsEnforcementPolicy", "", "", DEFAULTS, policies::security_defaults),
    get("policies/authorizationPolicy", "", "", AUTHORIZATION, policies::authorization),
    get("policies/adminConsentRequestPolicy", "", "", CONSENT, policies::admin_consent),
    get("policies/featureRolloutPolicies", "featureRolloutPolicy", "", ROLLOUT, policies::rollout),
    get("policies/homeRealmDiscoveryPolicies", "", "", POLICY, policies::home_realm),
    get(
        "policies/conditionalAccessPolicies",
        "conditionalAccessPolicy",
        "id displayName state",
        POLICY,
        policies::conditional_access,
    ),
    get(
        "identity/conditionalAccess/policies",
        "conditionalAccessPolicy",
        "id displayName state",
        POLICY,
        policies::conditional_access,
    ),
    get(
        "identity/conditionalAccess/policies/*",
        "conditionalAccessPolicy",
        "",
        POLICY,
        policies::conditional_access_one,
    ),
    get("identity/conditionalAccess/namedLocations", "", "", POLICY, policies::named_locations),
    post("identity/conditionalAccess/evaluate", EVALUATE, what_if::evaluate),
    get(
        "reports/authenticationMethods/userRegistrationDetails",
        "userRegistrationDetails",
        "id userPrincipalName isAdmin isMfaRegistered isMfaCapable",
        LOGS,
        policies::registrations,
    ),
    get(
        "reports/authenticationMethods/userRegistrationDetails/*",
        "userRegistrationDetails",
        "",
        LOGS,
        policies::registration_one,
    ),
    get(
        "admin/serviceAnnouncement/issues",
        "serviceHealthIssue",
        ISSUE_FILTERS,
        HEALTH,
        service_health::issues,
    ),
    get("auditLogs/signIns", "signIn", LOG_FILTERS, LOGS, policies::sign_ins),
    get(
        "roleManagement/directory/roleAssignments",
        "unifiedRoleAssignment",
        "principalId roleDefinitionId directoryScopeId",
        ROLES,
        policies::role_assignments,
    ),
    get(
        "roleManagement/directory/roleDefinitions",
        "",
        "id displayName templateId isBuiltIn",
        ROLES,
        policies::definitions,
    ),
    get(
        "roleManagement/directory/roleEligibilityScheduleInstances",
        "unifiedRoleEligibilityScheduleInstance",
        "principalId roleDefinitionId directoryScopeId",
        ELIGIBLE,
        policies::eligible,
    ),
    data("GET", "users/*/mailFolders/*", "", mailbox::folder),
    data("GET", "users/*/mailFolders", "", mailbox::folders),
    data("GET", "users/*/mailboxSettings", "", mailbox::settings),
    data("GET", "users/*/contactFolders", "contactFolder", mailbox::contact_folders),
    data("POST", "users/*/contactFolders", "contactFolder", mailbox::create_contact_folder),
    data("GET", "users/*/contactFolders/delta", "contactFolder", mailbox::contact_folders_delta),
    data("GET", "users/*/contactFolders/*", "contactFolder", mailbox::contact_folder),
    data("PATCH", "users/*/contactFolders/*", "contactFolder", mailbox::change_contact_folder),
    data("DELETE", "users/*/contactFolders/*", "", mailbox::delete_contact_folder),
    data("POST", "users/*/contactFolders/*/permanentDelete", "", mailbox::purge_contact_folder),
    data("GET", "users/*/contactFolders/*/childFolders", "contactFolder", mailbox::child_folders),
    data("POST", "users/*/contactFolders/*/childFolders", "contactFolder", mailbox::create_contact_folder),
    data("GET", "users/*/contactFolders/*/contacts", "contact", mailbox::contacts),
    data("POST", "users/*/contactFolders/*/contacts", "contact", mailbox::create_contact),
    data("GET", "users/*/contactFolders/*/contacts/delta", "contact", mailbox::contacts_delta),
    data("GET", "users/*/contactFolders/*/contacts/*", "contact", mailbox::contact_one),
    data("PATCH", "users/*/contactFolders/*/contacts/*", "contact", mailbox::change_contact),
    data("DELETE", "users/*/contactFolders/*/contacts/*", "", mailbox::delete_contact),
    data("POST", "users/*/contactFolders/*/contacts/*/permanentDelete", "", mailbox::purge_contact),
    data("GET", "users/*/contacts", "contact", mailbox::contacts),
    data("POST", "users/*/contacts", "contact", mailbox::create_contact),
    data("GET", "users/*/contacts/delta", "contact", mailbox::contacts_delta),
    data("GET", "users/*/contacts/*", "contact", mailbox::contact_one),
    data("PATCH", "users/*/contacts/*", "contact", mailbox::change_contact),
    data("DELETE", "users/*/contacts/*", "", mailbox::delete_contact),
    data("POST", "users/*/contacts/*/permanentDelete", "", mailbox::purge_contact),
    data("GET", "users/*/calendar", "calendar", mailbox::calendar),
    data("PATCH", "users/*/calendar", "calendar", mailbox::change_calendar),
    data("POST", "users/*/calendar/getSchedule", "", mailbox::schedule),
    data("GET", "users/*/calendars", "calendar", mailbox::calendars),
    data("POST", "users/*/calendars", "calendar", mailbox::create_calendar),
    data("GET", "users/*/calendars/*", "calendar", mailbox::calendar),
    data("PATCH", "users/*/calendars/*", "calendar", mailbox::change_calendar),
    data("DELETE", "users/*/calendars/*", "", mailbox::delete_calendar),
    data("POST", "users/*/calendars/*/permanentDelete", "", mailbox::purge_calendar),
    data("GET", "users/*/events", "event", mailbox::events),
    data("POST", "users/*/events", "event", mailbox::create_event),
    data("GET", "users/*/events/*", "event", mailbox::event_one),
    data("PATCH", "users/*/events/*", "event", mailbox::change_event),
    data("DELETE", "users/*/events/*", "", mailbox::delete_event),
    data("POST", "users/*/events/*/permanentDelete", "", mailbox::purge_event),
    data("GET", "users/*/events/*/instances", "event", mailbox::instances),
    data("GET", "users/*/calendar/events", "event", mailbox::events),
    data("POST", "users/*/calendar/events", "event", mailbox::create_event),
    data("GET", "users/*/calendar/events/*", "event", mailbox::event_one),
    data("PATCH", "users/*/calendar/events/*", "event", mailbox::change_event),
    data("DELETE", "users/*/calendar/events/*", "", mailbox::delete_event),
    data("POST", "users/*/calendar/events/*/permanentDelete", "", mailbox::purge_event),
    data("GET", "users/*/calendars/*/events", "event", mailbox::events),
    data("POST", "users/*/calendars/*/events", "event", mailbox::create_event),
    data("GET", "users/*/calendars/*/events/*", "event", mailbox::event_one),
    data("PATCH", "users/*/calendars/*/events/*", "event", mailbox::change_event),
    data("DELETE", "users/*/calendars/*/events/*", "", mailbox::delete_event),
    data("POST", "users/*/calendars/*/events/*/permanentDelete", "", mailbox::purge_event),
    data("GET", "users/*/calendarView", "event", mailbox::calendar_view),
    data("GET", "users/*/calendarView/delta", "event", mailbox::calendar_view_delta),
    data("GET", "users/*/calendar/calendarView", "event", mailbox::calendar_view),
    data("GET", "users/*/calendar/calendarView/delta", "event", mailbox::calendar_view_delta),
    data("GET", "users/*/calendars/*/calendarView", "event", mailbox::calendar_view),
    data("GET", "users/*/calendars/*/calendarView/delta", "event", mailbox::calendar_view_delta),
];

/// The variables of a path that matches a pattern.
pub(super) fn matches(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let parts: Vec<&str> = pattern.split('/').collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut args = Vec::new();
    for (part, segment) in parts.iter().zip(segments) {
        if *part == "*" {
            args.push(segment.clone());
        } else if !part.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    Some(args)
}

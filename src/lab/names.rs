//! Identifiers that are the same in every tenant: permissions of the two resources, directory roles.
//!
//! A permission's id counts only together with its resource: several ids stand on both.

/// Permission ids: resource, name, id as application permission, id as delegated permission.
const PERMISSIONS: &str = include_str!("permissions.txt");

/// App id of Microsoft Graph.
pub const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
/// App id of Office 365 Exchange Online.
pub const EXCHANGE_APP: &str = "00000002-0000-0ff1-ce00-000000000000";

/// One permission of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// `graph` or `exchange`.
    pub resource: &'static str,
    /// Name, as it stands in tokens.
    pub name: &'static str,
    /// Id of the app role; `None`: no application form.
    pub role_id: Option<&'static str>,
    /// Id of the scope; `None`: no delegated form.
    pub scope_id: Option<&'static str>,
}

/// Every permission of a resource that the lab knows.
pub fn permissions(resource: &str) -> impl Iterator<Item = Permission> {
    PERMISSIONS.lines().filter_map(permission).filter(move |known| known.resource == resource)
}

/// Reads one line of the table.
fn permission(line: &'static str) -> Option<Permission> {
    let mut words = line.split_whitespace();
    let (resource, name) = (words.next()?, words.next()?);
    let mut id = || words.next().filter(|id| *id != "-");
    Some(Permission { resource, name, role_id: id(), scope_id: id() })
}

/// Id of an app role by name; a name that the table does not know gets an id of its own.
pub fn app_role_id(resource: &str, name: &str) -> String {
    let known = permissions(resource).find(|known| known.name.eq_ignore_ascii_case(name));
    known.and_then(|known| known.role_id).map_or_else(|| made_up(&[resource, name]), str::to_owned)
}

/// An id that depends on nothing but the words, for objects that the world document does not number.
pub fn made_up(words: &[&str]) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in words.join("/").bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    }
    uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid().to_string()
}

/// Built-in directory roles: display name, template id.
pub const ROLES: &[(&str, &str)] = &[
    ("Global Administrator", "62e90394-69f5-4237-9190-012177145e10"),
    ("Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
    ("Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"),
    ("Exchange Recipient Administrator", "31392ffb-586c-42d1-9346-e59415a2cc4e"),
    ("Service Support Administrator", "f023fd81-a637-4b56-95fd-791ac0226033"),
    ("User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"),
    ("Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8"),
    ("Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d"),
    ("Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"),
    ("Reports Reader", "4a5d8f65-41da-4de4-8968-e035b65339cf"),
    ("Compliance Administrator", "17315797-102d-40b4-93e0-432062caca18"),
    ("Conditional Access Administrator", "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"),
    ("Authentication Administrator", "c4e39bd9-1100-46d3-8c65-fb160da0071f"),
    ("Authentication Policy Administrator", "0526716b-113d-4c15-b2c8-68e3c22b9f80"),
    ("Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"),
    ("Cloud Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7"),
    ("Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
    ("Directory Readers", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"),
    ("Directory Synchronization Accounts", "d29b2b05-8046-44ba-8758-1e26182fcf32"),
];

/// Display name and template id of a role that a world document names in either way.
pub fn role(named: &str) -> (String, String) {
    let known = ROLES.iter().find(|(name, id)| name.eq_ignore_ascii_case(named) || *id == named);
    known.map_or_else(
        || (named.to_owned(), made_up(&["role", named])),
        |(name, id)| ((*name).to_owned(), (*id).to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_another_id_on_another_resource() {
        assert_ne!(
            app_role_id("graph", "MailboxSettings.Read"),
            app_role_id("exchange", "MailboxSettings.Read")
        );
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let count = permissions("graph").count() + permissions("exchange").count();
        assert_eq!(count, PERMISSIONS.lines().count());
        assert!(permissions("graph").all(|known| known.role_id.is_some() || known.scope_id.is_some()));
    }
}

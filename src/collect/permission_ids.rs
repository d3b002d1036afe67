//! Ids of well-known permissions, for a tenant whose resource does not tell their names.
//!
//! The same id stands for different permissions on different resources, so the key is the pair.

/// Microsoft Graph.
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Office 365 Exchange Online.
pub const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// Application permissions of Microsoft Graph.
const GRAPH_ROLES: [(&str, &str); 32] = [
    ("798ee544-9d2d-430c-a058-570e29e34338", "Calendars.Read"),
    ("8ba4a692-bc31-4128-9094-475872af8a53", "Calendars.ReadBasic.All"),
    ("ef54d2bf-783f-4e0f-bca1-3210c0444d99", "Calendars.ReadWrite"),
    ("089fe4d0-434a-44c5-8827-41ba8a0b17f5", "Contacts.Read"),
    ("6918b873-d17a-4dc1-b314-35f528134491", "Contacts.ReadWrite"),
    ("810c84a8-4a9e-49e6-bf7d-12d183f40d01", "Mail.Read"),
    ("6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a", "Mail.ReadBasic"),
    ("693c5e45-0940-467d-9b8a-1022fb9d42ef", "Mail.ReadBasic.All"),
    ("e2a3a72e-5f79-4c64-b1b1-878b674786c9", "Mail.ReadWrite"),
    ("b633e1c5-b582-4048-a93e-9f11b44c7e96", "Mail.Send"),
    ("40f97065-369a-49f4-947c-6a255697ae91", "MailboxSettings.Read"),
    ("6931bccd-447a-43d1-b442-00a195474933", "MailboxSettings.ReadWrite"),
    ("99280d24-a782-4793-93cc-0888549957f6", "MailboxFolder.Read.All"),
    ("fef87b92-8391-4589-9da7-eb93dab7dc8a", "MailboxFolder.ReadWrite.All"),
    ("7d9f353d-a7bd-4fbb-822a-26d5dd39a3ce", "MailboxItem.Read.All"),
    ("76577085-e73d-4f1d-b26a-85fb33892327", "MailboxItem.ImportExport.All"),
    ("df021288-bdef-4463-88db-98f22de89214", "User.Read.All"),
    ("97235f07-e226-4f63-ace3-39588e11d3a1", "User.ReadBasic.All"),
    ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Directory.Read.All"),
    ("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Application.Read.All"),
    ("498476ce-e0fe-48b0-b801-37ba7e2685c6", "Organization.Read.All"),
    ("dbb9058a-0e50-45d7-ae91-66909b5d4664", "Domain.Read.All"),
    ("c0e5a7b0-e8b7-40a7-b8e0-8249e6ea81d5", "Domain-InternalFederation.Read.All"),
    ("246dd0d5-5bd0-4def-940b-0421030a5b68", "Policy.Read.All"),
    ("37730810-e9ba-4e46-b07e-8ca78d182097", "Policy.Read.ConditionalAccess"),
    ("b0afded3-3588-46d8-8b3d-9842eff778da", "AuditLog.Read.All"),
    ("38d9df27-64da-44fd-b7c5-a6fbac20248f", "UserAuthenticationMethod.Read.All"),
    ("483bed4a-2ad3-4361-a73b-c83ccdbdc53c", "RoleManagement.Read.Directory"),
    ("ff278e11-4a33-4d0c-83d2-d01dc58929a5", "RoleEligibilitySchedule.Read.Directory"),
    ("e2f98668-2877-4f38-a2f4-8202e0717aa1", "LicenseAssignment.Read.All"),
    ("98830695-27a2-44f7-8c18-0c3ebc9698f6", "GroupMember.Read.All"),
    ("79c261e0-fe76-4144-aad5-bdc68fbe4037", "ServiceHealth.Read.All"),
];

/// Application permissions of Exchange Online.
const EXCHANGE_ROLES: [(&str, &str); 12] = [
    ("dc890d15-9560-4a4c-9b7f-a736ec74ec40", "full_access_as_app"),
    ("dc50a0fb-09a3-484d-be87-e023b12c6440", "Exchange.ManageAsApp"),
    ("ea3d980d-ebc7-4be4-8298-a167e5b8797c", "Exchange.ManageAsAppV2"),
    ("ef54d2bf-783f-4e0f-bca1-3210c0444d99", "Calendars.ReadWrite.All"),
    ("798ee544-9d2d-430c-a058-570e29e34338", "Calendars.Read"),
    ("089fe4d0-434a-44c5-8827-41ba8a0b17f5", "Contacts.Read"),
    ("6918b873-d17a-4dc1-b314-35f528134491", "Contacts.ReadWrite"),
    ("810c84a8-4a9e-49e6-bf7d-12d183f40d01", "Mail.Read"),
    ("e2a3a72e-5f79-4c64-b1b1-878b674786c9", "Mail.ReadWrite"),
    ("b633e1c5-b582-4048-a93e-9f11b44c7e96", "Mail.Send"),
    ("d45fa9f8-36e5-4cd2-b601-b063c7cf9ac2", "MailboxSettings.Read"),
    ("f9156939-25cd-4ba8-abfe-7fabcf003749", "MailboxSettings.ReadWrite"),
];

/// The name of an application permission of a resource.
pub fn role(resource: &str, id: &str) -> Option<&'static str> {
    let table: &[(&str, &str)] = match resource {
        GRAPH => &GRAPH_ROLES,
        EXCHANGE => &EXCHANGE_ROLES,
        _ => &[],
    };
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_has_a_name_for_each_resource() {
        let id = "ef54d2bf-783f-4e0f-bca1-3210c0444d99";
        assert_eq!(role(GRAPH, id), Some("Calendars.ReadWrite"));
        assert_eq!(role(EXCHANGE, id), Some("Calendars.ReadWrite.All"));
        assert_eq!(role("another", id), None);
    }
}

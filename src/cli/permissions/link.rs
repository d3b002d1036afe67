//! Addresses where an administrator consents for the reader.

use url::Url;

use super::{args::Permissions, tenant_of};
use crate::{
    cli::{
        config::{self, Source},
        problem::Problem,
    },
    collect::Target,
    report::permissions::Plan,
};

/// What must be said beside the addresses.
pub const NOTE: &str = "\
note: they consent to what the registration of the app lists. http://localhost must be among its reply addresses; the \
browser cannot show that page afterwards, and `admin_consent=True` in its address bar means that it worked.";

/// One address for each resource.
pub fn links(
    args: &Permissions,
    source: &Source,
    targets: &[Target],
    plan: &Plan,
) -> Result<Vec<String>, Problem> {
    let (file, _) = config::load(source.clone(), &args.set)?;
    let configured = file.reader.as_ref().and_then(|reader| reader.get_ref().client_id.as_ref());
    let client_id = args.client_id.clone().or_else(|| configured.map(|id| id.get_ref().clone()));
    let client_id = client_id.ok_or_else(|| {
        Problem::new("which app is it for?")
            .help("`--client-id ID`, or a configuration with `client_id` below [reader]")
    })?;
    let (tenant, target) = tenant_of(args, targets)?;
    let resources: [(&str, &Url); 2] =
        [("graph", &target.endpoints.graph), ("exchange", &target.endpoints.exchange_admin)];
    let wanted = resources.into_iter().filter(|(name, _)| plan.least.iter().any(|one| one.resource == *name));
    wanted
        .map(|(_, base)| {
            let path = format!("{tenant}/v2.0/adminconsent");
            let mut link = target.endpoints.sign_in.join(&path).map_err(|error| {
                Problem::new(format!("no address can be made of the tenant `{tenant}`: {error}"))
            })?;
            let scope = format!("{}/.default", base.as_str().trim_end_matches('/'));
            link.query_pairs_mut()
                .append_pair("client_id", &client_id)
                .append_pair("scope", &scope)
                .append_pair("redirect_uri", "http://localhost")
                .append_pair("state", "syncready");
            Ok(link.to_string())
        })
        .collect()
}

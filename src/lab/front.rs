//! What stands in front of the services: the limits on callers and the faults that a world injects, for
//! requests that come by themselves and for those that come in a batch.

use super::{
    ask::{Answer, Ask},
    call::Call,
    crowd::Made,
    faults::{Fault, Target},
    server::State,
    throttling::{self, Demand, Permit, Refused, Service},
};

/// A request that was let through; dropping it ends it.
#[derive(Debug, Default)]
pub struct Held {
    /// It is under way in these mailboxes.
    permits: Vec<Permit>,
    /// Mailboxes in which it may not be: the parts of a batch that name them are refused.
    refused: Vec<(Demand, Refused)>,
}

/// Lets a request through to its service, or answers in its stead.
pub fn admit(state: &State, call: &Call) -> Result<Held, Answer> {
    let Some(service) = service(state, call) else { return Ok(Held::default()) };
    let (ask, made) = (Ask::from(call), Made::default());
    let mut held = Held::default();
    for demand in throttling::demands(state.world.view_keeping(&made), service, &ask) {
        match state.throttling.admit(&demand) {
            Ok(permit) => held.permits.extend(permit),
            Err(refused) if demand.counts => {
                let form = state.throttling.form(service);
                return Err(throttling::refusal(refused, service, form, &ask));
            }
            Err(refused) => held.refused.push((demand, refused)),
        }
    }
    Ok(held)
}

/// The service whose limits apply.
fn service(state: &State, call: &Call) -> Option<Service> {
    let service = match state.world.at("/hosts")[call.host.as_str()]["service"].as_str()? {
        "graph" => Service::Graph,
        "exchange" | "exchange-server" if call.path.eq_ignore_ascii_case("/ews/exchange.asmx") => {
            Service::Ews
        }
        _ => return None,
    };
    state.throttling.limits(service).then_some(service)
}

/// The way of one part of a batch to its service.
#[derive(Debug)]
pub struct Parts<'a> {
    /// What all services share.
    pub state: &'a State,
    /// The batch.
    pub held: &'a Held,
}

impl Parts<'_> {
    /// Answers a part: by the service, unless limits or faults stand in its way.
    pub fn answer(&self, part: &Ask, serve: &dyn Fn(&Ask) -> Answer) -> Answer {
        if let Some(refused) = self.refused(part) {
            return refused;
        }
        let target = Target {
            method: &part.method,
            host: &part.host,
            path: &part.path,
            query: &part.query,
            body: &part.body,
        };
        // A delay of one part would hold back all: it is left out.
        match self.state.faults.strike(&self.state.world, target).1 {
            None => serve(part),
            Some(Fault::Answer(answer)) => answer.into(),
            Some(Fault::Lost(answer)) => {
                serve(part);
                answer.map_or_else(gone, Answer::from)
            }
            Some(Fault::Truncated | Fault::Endless | Fault::Oversized(_) | Fault::Reset) => gone(),
        }
    }

    fn refused(&self, part: &Ask) -> Option<Answer> {
        let throttling = &self.state.throttling;
        if !throttling.limits(Service::Graph) {
            return None;
        }
        let refusal =
            |refused| throttling::refusal(refused, Service::Graph, throttling.form(Service::Graph), part);
        let made = Made::default();
        for demand in throttling::demands(self.state.world.view_keeping(&made), Service::Graph, part) {
            let shut = self.held.refused.iter().find(|(shut, _)| shut.mailbox == demand.mailbox);
            if let Some((_, refused)) = shut {
                throttling.count_refusal(false);
                return Some(refusal(*refused));
            }
            // The batch is under way in the mailbox already; the part only takes from the budgets.
            if let Err(refused) = throttling.admit(&Demand { enters: false, ..demand }) {
                return Some(refusal(refused));
            }
        }
        None
    }
}

/// What a gateway says of a part whose answer it did not get.
fn gone() -> Answer {
    Answer::empty(504)
}

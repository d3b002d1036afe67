//! Queries, against the lab.

use crate::place::Place;

/// A check with a query and the one outcome that it passes with this message.
fn asking(query: &str, message: &str) -> String {
    format!(
        "title = \"Asked\"\nsince = \"1\"\nwhy = \"w\"\n[query.it]\n{query}\n\
         [[outcome]]\nresult = \"warn\"\nwhen = \"query.it == 7\"\nmessage = \"never\"\n\
         [[outcome]]\nresult = \"pass\"\nmessage = '''{message}'''\n"
    )
}

const USERS: &str = "graph = \"/v1.0/users?$select=id,userPrincipalName&$top=1\"\nscope = \"tenant\"\n\
    permission = \"User.Read.All\"\nanswer = [{ id = \"text\", userPrincipalName = \"text\" }]";

#[test]
fn a_list_is_read_over_all_its_pages() {
    let place = Place::new();
    place.write("own/account/asked.toml", &asking(USERS, "{{ size(query.it) }} {{ query.it[0].id }}"));
    let finding = place.demo("healthy-app-graph", "account/asked").finding("account/asked");
    let message = finding["message"].as_str().unwrap_or_default();
    let number: usize = message.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(number > 1, "{message}");
    assert!(finding["evidence"].as_array().is_some_and(|evidence| evidence.len() == number), "{finding}");
}

#[test]
fn values_of_the_account_are_put_in_and_what_another_call_yields_is_waited_for() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/{account.id}?$select=id,userPrincipalName\"\n\
                 permission = \"User.Read.All\"\nanswer = { userPrincipalName = \"text\" }";
    place.write("own/account/asked.toml", &asking(query, "{{ query.it.userPrincipalName }}"));
    let finding = place.demo("healthy-delegated", "account/asked").finding("account/asked");
    assert_eq!(finding["message"], "svc-sync@contoso.com");
}

#[test]
fn what_does_not_exist_is_null() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/nobody@contoso.com?$select=id\"\npermission = \"User.Read.All\"\n\
                 answer = { id = \"text\" }";
    place.write("own/account/asked.toml", &asking(query, "{{ query.it == null ? \"none\" : \"some\" }}"));
    let finding = place.demo("healthy-app-graph", "account/asked").finding("account/asked");
    assert_eq!((&finding["result"], &finding["message"]), (&"pass".into(), &"none".into()));
}

/// A check whose rule, not only its message, reads the answer.
fn judging(query: &str) -> String {
    format!(
        "title = \"Asked\"\nsince = \"1\"\nwhy = \"w\"\n[query.it]\n{query}\n\
         [[outcome]]\nresult = \"warn\"\nwhen = \"query.it == null\"\nmessage = \"none\"\n\
         [[outcome]]\nresult = \"pass\"\nmessage = \"some\"\n"
    )
}

#[test]
fn a_refusal_is_unknown_and_names_the_permission() {
    let place = Place::new();
    let query = "graph = \"/v1.0/directory/onPremisesSynchronization\"\nscope = \"tenant\"\n\
                 permission = \"Example.Read.All\"\nanswer = [{ id = \"text\" }]";
    place.write("own/tenant/asked.toml", &judging(query));
    let run = place.demo("healthy-app-graph", "tenant/asked,reader/can-read-what-is-needed");
    let reason = run.finding("tenant/asked")["reason"].clone();
    assert_eq!((&reason["code"], &reason["permission"]), (&"denied".into(), &"Example.Read.All".into()));
    let reader = run.finding("reader/can-read-what-is-needed");
    assert!(reader.to_string().contains("Example.Read.All"), "{reader}");
}

#[test]
fn a_service_that_refuses_for_rate_is_asked_again() {
    let place = Place::new();
    place.write("own/account/asked.toml", &judging(&USERS.replace("&$top=1", "")));
    let run = place.demo("reader-throttled", "account/asked");
    assert_eq!(run.finding("account/asked")["result"], "pass");
    let shown = run.json()["tenants"]["contoso.com"]["evidence"].clone();
    let statuses: Vec<_> =
        shown.as_object().into_iter().flatten().map(|(_, exchange)| &exchange["status"]).collect();
    assert!(statuses.contains(&&429.into()) && statuses.contains(&&200.into()), "{statuses:?}");
}

#[test]
fn a_world_without_the_service_does_not_support_the_query() {
    let place = Place::new();
    place.write("own/account/asked.toml", &judging(USERS));
    let finding = place.demo("healthy-on-premises", "account/asked").finding("account/asked");
    assert_eq!(finding["reason"]["code"], "unsupported-here");
}

#[test]
fn a_cmdlet_answers_one_object() {
    let place = Place::new();
    let query = "exchange = \"Get-Mailbox\"\nparameters = { Identity = \"{account.address}\" }\n\
                 answer = { PrimarySmtpAddress = \"text\" }";
    place.write("own/mailbox/asked.toml", &asking(query, "{{ query.it.PrimarySmtpAddress }}"));
    let finding = place.demo("healthy-app-graph", "mailbox/asked").finding("mailbox/asked");
    assert_eq!(finding["message"], "svc-sync@contoso.com");
}

#[test]
fn a_member_that_the_answer_lacks_is_unknown_and_no_error() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/{account.address}?$select=id\"\npermission = \"User.Read.All\"\n\
                 answer = { id = \"text\", colour = \"text\" }";
    let text = judging(query).replace("query.it == null", "query.it.colour == null");
    place.write("own/account/asked.toml", &text);
    let reason = place.demo("healthy-app-graph", "account/asked").finding("account/asked")["reason"].clone();
    assert_eq!(reason["code"], "unreadable");
    assert_eq!(reason["text"], "the answer holds no `colour`");
}

#[test]
fn equal_queries_of_two_checks_are_asked_once_and_other_ones_of_the_same_name_do_not_meet() {
    let place = Place::new();
    place.write("own/account/one.toml", &asking(USERS, "{{ size(query.it) }}"));
    place.write("own/account/two.toml", &asking(USERS, "{{ size(query.it) }}"));
    let other = "graph = \"/v1.0/domains\"\nscope = \"tenant\"\npermission = \"Domain.Read.All\"\n\
                 answer = [{ id = \"text\" }]";
    place.write("own/account/three.toml", &asking(other, "{{ query.it[0].id }}"));
    let run = place.demo("healthy-app-graph", "account/one,account/two,account/three");
    assert_eq!(run.finding("account/one")["evidence"], run.finding("account/two")["evidence"]);
    assert_ne!(run.finding("account/one")["evidence"], run.finding("account/three")["evidence"]);
    assert_eq!(run.finding("account/three")["message"], "contoso.com");
}

#[test]
fn saved_answers_are_judged_alike() {
    let place = Place::new();
    place.write("own/account/asked.toml", &asking(USERS, "{{ size(query.it) }} users"));
    let query = "graph = \"/v1.0/directory/onPremisesSynchronization\"\nscope = \"tenant\"\n\
                 permission = \"Example.Read.All\"\nanswer = [{ id = \"text\" }]";
    place.write("own/tenant/asked.toml", &judging(query));
    let only = ["--checks", "own", "--only", "account/asked,tenant/asked", "--format", "json"];
    let live = [&["check", "--demo", "healthy-app-graph", "--save-facts", "facts.json"], &only[..]].concat();
    let replayed = [&["check", "--from", "facts.json"], &only[..]].concat();
    let (live, replayed) = (place.run(&live), place.run(&replayed));
    assert_eq!(live.json()["accounts"], replayed.json()["accounts"], "{}", replayed.stderr);
    // Whoever changes the query has not asked the new one yet.
    place.write("own/account/asked.toml", &judging(&USERS.replace("$top=1", "$top=2")));
    let changed = place.run(&[
        "check",
        "--from",
        "facts.json",
        "--checks",
        "own",
        "--only",
        "account/asked",
        "--format",
        "json",
    ]);
    assert_eq!(changed.finding("account/asked")["reason"]["code"], "not-asked");
}

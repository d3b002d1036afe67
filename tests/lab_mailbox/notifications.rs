//! Subscriptions and their events.

use serde_json::json;

use crate::client::{Client, HOST, attribute};
use crate::support::envelope;

pub fn subscribe(kind: &str, rest: &str) -> String {
    format!(
        "<m:Subscribe><m:{kind}SubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id=\"contacts\"/></t:FolderIds>\
         <t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType></t:EventTypes>{rest}\
         </m:{kind}SubscriptionRequest></m:Subscribe>"
    )
}

pub const IN_CONTACTS: &str =
    "<m:CreateItem><m:Items><t:Contact><t:GivenName>Ada</t:GivenName></t:Contact></m:Items></m:CreateItem>";

#[tokio::test]
async fn a_pull_subscription_tells_each_event_once() {
    let client = Client::new(&json!({})).await;
    let made = client.ask(&subscribe("Pull", "<t:Timeout>10</t:Timeout>")).await;
    let (id, mark) = (made.element("SubscriptionId"), made.element("Watermark"));
    let events = |mark: &str| {
        format!(
            "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>"
        )
    };
    let none = client.ask(&events(&mark)).await;
    assert!(none.text.contains("StatusEvent"));
    let item = attribute(&client.ask(IN_CONTACTS).await.text, "ItemId", "Id");
    let heard = client.ask(&events(&mark)).await;
    assert_eq!(attribute(&heard.text, "ItemId", "Id"), item);
    let after = client.ask(&events(&heard.element("Watermark"))).await;
    assert!(!after.text.contains("CreatedEvent"));
    assert_eq!(client.code(&events("bm9uZQ==")).await, "ErrorInvalidWatermark");
    let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
    assert_eq!(client.code(&end).await, "NoError");
    assert_eq!(client.code(&events(&mark)).await, "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_ends_at_its_time() {
    let client = Client::new(&json!({"ews": {"minute_ms": 600}})).await;
    let id = client.ask(&subscribe("Streaming", "")).await.element("SubscriptionId");
    let stream = format!(
        "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds>\
         <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
    );
    let listening = client.bench.ews(HOST, &client.sign_in, envelope("", &stream));
    let doing = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        client.ask(IN_CONTACTS).await
    };
    let (heard, made) = tokio::join!(listening, doing);
    let envelopes: Vec<&str> = heard.text.split("<?xml").filter(|part| !part.is_empty()).collect();
    for envelope in &envelopes {
        client.fits_schema(&stream, &format!("<?xml{envelope}"));
    }
    let told = envelopes.iter().filter(|part| part.contains("CreatedEvent")).count();
    assert_eq!(told, 1, "{}", heard.text);
    assert!(heard.text.contains(&attribute(&made.text, "ItemId", "Id")));
    assert!(envelopes[0].contains("<m:ConnectionStatus>OK</m:ConnectionStatus>"));
    assert!(envelopes.last().unwrap().contains("<m:ConnectionStatus>Closed</m:ConnectionStatus>"));
    let unknown = client.ask(&stream.replace(&id, "none")).await;
    assert_eq!(unknown.element("ResponseCode"), "ErrorSubscriptionNotFound");
    assert!(unknown.text.contains("<m:ErrorSubscriptionIds><t:SubscriptionId>none<"));
}

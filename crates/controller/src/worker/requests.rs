//! Requests that concern the worker itself.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::worker as fbs;

use super::{ChannelMessageHandlers, LogLevel, LogTag, ResourceUsage, WorkerDump};
use crate::channel::{Fbb, Request};
use crate::encoding::{read_strings, vector};

pub(super) struct DumpWorker;

impl Request for DumpWorker {
    const METHOD: Method = Method::WORKER_DUMP;
    type Response = WorkerDump;

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, _: &mut Fbb) -> Option<Payload<Body>> {
        None
    }

    fn decode(response: &Response<'_>) -> Option<WorkerDump> {
        let dump = response.body_as_worker_dump_response()?;
        let handlers = dump.channel_message_handlers();
        Some(WorkerDump {
            pid: dump.pid(),
            web_rtc_server_ids: read_strings(dump.web_rtc_server_ids()),
            router_ids: read_strings(dump.router_ids()),
            channel_message_handlers: ChannelMessageHandlers {
                channel_request_handlers: read_strings(handlers.channel_request_handlers()),
                channel_notification_handlers: read_strings(
                    handlers.channel_notification_handlers(),
                ),
            },
        })
    }
}

pub(super) struct GetResourceUsage;

impl Request for GetResourceUsage {
    const METHOD: Method = Method::WORKER_GET_RESOURCE_USAGE;
    type Response = ResourceUsage;

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, _: &mut Fbb) -> Option<Payload<Body>> {
        None
    }

    fn decode(response: &Response<'_>) -> Option<ResourceUsage> {
        let usage = response.body_as_worker_resource_usage_response()?;
        Some(read_resource_usage(usage))
    }
}

pub(super) fn read_resource_usage(usage: fbs::ResourceUsageResponse<'_>) -> ResourceUsage {
    ResourceUsage {
        ru_utime: usage.ru_utime(),
        ru_stime: usage.ru_stime(),
        ru_maxrss: usage.ru_maxrss(),
        ru_ixrss: usage.ru_ixrss(),
        ru_idrss: usage.ru_idrss(),
        ru_isrss: usage.ru_isrss(),
        ru_minflt: usage.ru_minflt(),
        ru_majflt: usage.ru_majflt(),
        ru_nswap: usage.ru_nswap(),
        ru_inblock: usage.ru_inblock(),
        ru_oublock: usage.ru_oublock(),
        ru_msgsnd: usage.ru_msgsnd(),
        ru_msgrcv: usage.ru_msgrcv(),
        ru_nsignals: usage.ru_nsignals(),
        ru_nvcsw: usage.ru_nvcsw(),
        ru_nivcsw: usage.ru_nivcsw(),
    }
}

pub(super) struct UpdateSettings<'a> {
    pub(super) log_level: LogLevel,
    pub(super) log_tags: &'a [LogTag],
}

impl Request for UpdateSettings<'_> {
    const METHOD: Method = Method::WORKER_UPDATE_SETTINGS;
    type Response = ();

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let log_tags = vector(fbb, self.log_tags, |fbb, tag| {
            fbb.create_string(tag.as_str())
        });
        let args = fbs::UpdateSettingsRequestArgs {
            log_level: Some(fbb.create_string(self.log_level.as_str())),
            log_tags: Some(log_tags),
        };
        let body = fbs::UpdateSettingsRequest::create(fbb, &args);
        Some((Body::Worker_UpdateSettingsRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

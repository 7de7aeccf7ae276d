-- What `consent sql` can be asked: views of the two stores, for people. Temporary, so that the stores stay as they are.
-- The table `asked` holds the sites that may be seen; `visits` is the visitors' log, attached. docs/analysts.md describes
-- every column, and a test holds it to this file.

create temp view sites as
select a.site, strftime('%Y-%m-%dT%H:%M:%SZ', s.created / 1000, 'unixepoch') as created
from asked a join main.site s on s.site_id = a.site_id and s.key = a.site;

create temp view policies as
select a.site, v.version, strftime('%Y-%m-%dT%H:%M:%SZ', v.published / 1000, 'unixepoch') as published, v.hash, v.scope
from asked a join main.policy_version v on v.site_id = a.site_id;

create temp view consent_log as
select a.site, r.id, r.receipt, strftime('%Y-%m-%dT%H:%M:%SZ', r.time / 1000, 'unixepoch') as at, r.time, r.action,
    r.control, r.layer, r.language, r.notice, r.version, r.purposes, r.services, r.regime,
    case when instr(r.region, '-') then substr(r.region, 1, instr(r.region, '-') - 1) else r.region end as country,
    r.region, r.gpc, r.client_time, r.widget, r.epoch, r.leaf
from asked a cross join main.consent_record r on r.site_id = a.site_id;

create temp view consent_states as
select a.site, r.id, r.time, 'purpose' as kind, j.key, j.value as state
from asked a cross join main.consent_record r on r.site_id = a.site_id, json_each(r.purposes) j
union all
select a.site, r.id, r.time, 'service', j.key, j.value
from asked a cross join main.consent_record r on r.site_id = a.site_id, json_each(r.services) j;

create temp view consent_by_day as
select a.site, date(c.bucket * 86400, 'unixepoch') as day, sum(c.given) as given, sum(c.partly) as partly,
    sum(c.refused) as refused, sum(c.changed) as changed, sum(c.withdrawn) as withdrawn
from asked a cross join main.consent_rollup c
    on c.site_id = a.site_id and c.dim = 'total' and c.grain = 'day' and c.kind = 'said'
group by a.site, c.bucket;

create temp view consent_by_hour as
select a.site, strftime('%Y-%m-%dT%H:00Z', c.bucket * 3600, 'unixepoch') as hour, c.given, c.partly, c.refused,
    c.changed, c.withdrawn
from asked a cross join main.consent_rollup c
    on c.site_id = a.site_id and c.dim = 'total' and c.grain = 'hour' and c.kind = 'said';

create temp view consent_counts as
select a.site, c.dim, date(c.bucket * 86400, 'unixepoch') as day, c.val, c.also, c.given, c.partly, c.refused,
    c.changed, c.withdrawn
from asked a cross join main.consent_rollup c on c.site_id = a.site_id and c.grain = 'day' and c.kind = 'said';

create temp view shown_by_day as
select a.site, date(d.day * 86400, 'unixepoch') as day, d.notice, d.layer, d.regime, d.language, d.device, d.shown
from asked a cross join main.shown_day d on d.site_id = a.site_id;

create temp view deletions as
select a.site, strftime('%Y-%m-%dT%H:%M:%SZ', q.time / 1000, 'unixepoch') as at, q.kind, q.rule, q.state, q.records
from asked a cross join main.rights_request q on q.site_id = a.site_id;

create temp view visitors as
select a.site, v.id, strftime('%Y-%m-%dT%H:%M:%SZ', v.first / 1000, 'unixepoch') as first_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', v.last / 1000, 'unixepoch') as last_at, v.visits, v.views, v.customer,
    v.customer_fields
from asked a cross join visits.visitor v on v.site_id = a.site_id where not v.leaving;

create temp view sessions as
select a.site, s.id, s.visitor, s.visit, strftime('%Y-%m-%dT%H:%M:%SZ', s.began / 1000, 'unixepoch') as at, s.began,
    s.last, s.views, s.events, s.engaged, s.opens_day, s.entry, s.exit, s.referrer, s.source, s.campaign, s.browser,
    s.browser_version, s.system, s.system_version, s.device, s.brand, s.model, s.bot, s.language, s.languages, s.screen,
    s.country, s.region, s.asn, s.network, s.isp_domain, s.app, s.app_version, s.policy_version
from asked a cross join visits.session s on s.site_id = a.site_id;

create temp view page_views as
select a.site, e.session, e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.time / 1000, 'unixepoch') as at, e.time, e.host, e.path,
    e.query, e.referrer, e.load_time, e.policy_version
from asked a cross join visits.event e on e.site_id = a.site_id where e.event = 'view';

create temp view engagements as
select a.site, e.session, e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.time / 1000, 'unixepoch') as at, e.time, e.host, e.path,
    e.engaged, e.scrolled
from asked a cross join visits.event e on e.site_id = a.site_id where e.event = 'engagement';

create temp view events as
select a.site, e.session, e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.time / 1000, 'unixepoch') as at, e.time, e.event, e.host,
    e.path, e.target, e.service, e.props, e.policy_version
from asked a cross join visits.event e on e.site_id = a.site_id where e.event not in ('view', 'engagement');

create temp view visits_by_day as
select a.site, date(c.bucket * 86400, 'unixepoch') as day, sum(c.views) as views, sum(c.events) as events,
    sum(c.sessions) as sessions, sum(c.visitors) as visitors, sum(c.newcomers) as newcomers, sum(c.bounces) as bounces,
    sum(c.engaged) as engaged, sum(c.loaded) as loaded, sum(c.load_time) as load_time
from asked a cross join visits.rollup c
    on c.site_id = a.site_id and c.dim = 'total' and c.grain = 'day' and c.kind in ('full', 'count')
group by a.site, c.bucket;

create temp view visits_counts as
select a.site, c.dim, c.kind, date(c.bucket * 86400, 'unixepoch') as day, c.val, c.also, c.views, c.events, c.sessions,
    c.visitors, c.newcomers, c.bounces, c.engaged, c.loaded, c.load_time, c.scrolled
from asked a cross join visits.rollup c on c.site_id = a.site_id and c.grain = 'day' and c.kind in ('full', 'count');

create temp view dropped_events as
select a.site, strftime('%Y-%m-%dT%H:00Z', d.hour * 3600, 'unixepoch') as hour, d.reason, d.n
from asked a cross join visits.dropped d on d.site_id = a.site_id;

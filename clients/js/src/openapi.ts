// Made from GET /openapi.json by `npm run openapi --workspace clients/js`. Do not edit.
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send up to 500 events, as to a stream of Pipelines */
        post: operations["sendEventsToStream"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/billing/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Quantity, events and cost by org, SKU and unit: the invoice */
        post: operations["usage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send one event. 202 means that it is kept */
        post: operations["sendEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send up to 500 events */
        post: operations["sendEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the database answers */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the keys by their first letters */
        get: operations["listKeys"];
        put?: never;
        /** Make a key, and show it once */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{prefix}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a key */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/cohorts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Of the users first seen in a period, how many come back */
        post: operations["cohorts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/costs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Cost by day and kind, the newest day first */
        get: operations["costs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What fails, the most frequent first */
        post: operations["errors"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How fast, and how often it fails */
        post: operations["performance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/pipeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Verdict of each hour of the last days on its logs, and the poller's passes */
        get: operations["pipeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/realtime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The last five minutes */
        get: operations["realtime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Users, sessions and new users */
        post: operations["users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orgs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List names and plans of orgs */
        get: operations["listOrgs"];
        /** Set names and plans of orgs. Only a key of all orgs may */
        put: operations["setOrgs"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/prices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the prices that hold for the org of the key */
        get: operations["listPrices"];
        /** Set prices. Only a key of all orgs may */
        put: operations["setPrices"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask any question over events, AI Gateway's logs, or both */
        post: operations["query"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the templates and their parameters */
        get: operations["listTemplates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Erase a user: every event and log of theirs */
        delete: operations["eraseUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AnyQuestion: components["schemas"]["Question"] | components["schemas"]["OfTemplate"];
        Batch: components["schemas"]["Event"][] | {
            events: components["schemas"]["Event"][];
        };
        Cohorts: {
            /** @enum {unknown} */
            dataset?: "events" | "logs" | "all";
            /** @description The same; exclusive, and at most 760 days later */
            end: string;
            /** @default false */
            exact?: boolean;
            filters?: {
                field: components["schemas"]["FieldOfFixed"];
                /** @enum {unknown} */
                op: "eq" | "neq" | "in" | "contains" | "exists";
                values: unknown[];
            }[];
            /** @default 1000 */
            limit?: number;
            /** @description A column of the answer, - before it for descending order */
            orderBy?: string;
            /** @description For a key of all orgs */
            organizationId?: string;
            /** @enum {unknown} */
            period: "day" | "week";
            /** @description RFC 3339, or such as -7d, -24h, now */
            start: string;
            /**
             * @description A name such as Europe/Berlin
             * @default UTC
             */
            timeZone?: string;
        };
        Document: Record<string, unknown>;
        Erased: {
            /** @description What an archive still holds */
            archive: string | null;
            /** @description Rows */
            erased: number;
        };
        /** @description An event of any dialect: every field has several names, docs/events.md lists them. Without a name it is refused. Fields that no column takes are kept. */
        Event: {
            /** @description USD */
            cost?: number;
            /** @description Its name; also event_name, type or verb */
            event?: string;
            /** @description Needs a time as well. Sent again, the event is kept once */
            id?: string;
            organizationId?: string;
            performance?: {
                /** @description Milliseconds */
                duration?: number;
                statusCode?: number;
            };
            properties?: Record<string, unknown>;
            sessionId?: string;
            /** @description RFC 3339, or seconds or milliseconds since 1970 */
            timestamp?: string | number;
            usage?: {
                quantity?: number;
                sku?: string;
                unit?: string;
            };
            userId?: string;
        };
        Field: ("name" | "subject" | "user" | "session" | "organization" | "sku" | "unit" | "status" | "source" | "success" | "provider" | "model" | "gateway") | string;
        FieldOfFixed: ("name" | "subject" | "user" | "session" | "organization" | "sku" | "unit" | "status" | "source" | "success" | "provider" | "model" | "gateway" | "endpoint" | "organizationName" | "plan") | string;
        FixedQuestion: {
            /** @enum {unknown} */
            dataset?: "events" | "logs" | "all";
            /** @description The same; exclusive, and at most 760 days later */
            end: string;
            /** @default false */
            exact?: boolean;
            filters?: {
                field: components["schemas"]["FieldOfFixed"];
                /** @enum {unknown} */
                op: "eq" | "neq" | "in" | "contains" | "exists";
                values: unknown[];
            }[];
            groupBy?: components["schemas"]["GroupOfFixed"] | components["schemas"]["GroupOfFixed"][];
            /** @default 1000 */
            limit?: number;
            /** @description A column of the answer, - before it for descending order */
            orderBy?: string;
            /** @description For a key of all orgs */
            organizationId?: string;
            /** @description RFC 3339, or such as -7d, -24h, now */
            start: string;
            /**
             * @description A name such as Europe/Berlin
             * @default UTC
             */
            timeZone?: string;
        };
        Group: ("minute" | "hour" | "day" | "week" | "month" | "name" | "subject" | "user" | "session" | "organization" | "sku" | "unit" | "status" | "source" | "success" | "provider" | "model" | "gateway") | string;
        GroupOfFixed: ("minute" | "hour" | "day" | "week" | "month" | "name" | "subject" | "user" | "session" | "organization" | "sku" | "unit" | "status" | "source" | "success" | "provider" | "model" | "gateway" | "endpoint" | "organizationName" | "plan") | string;
        Health: {
            /** @enum {unknown} */
            status: "ok";
            version: string;
        };
        Keys: {
            rows: {
                createdAt: string;
                org: string;
                origins: string[];
                prefix: string;
                revokedAt: string | null;
                scopes: components["schemas"]["Scopes"];
            }[];
        };
        MadeKey: {
            key: string;
            org: string;
            prefix: string;
            scopes: components["schemas"]["Scopes"];
        };
        Meta: {
            completeThrough: {
                events?: string | null;
                logs?: string | null;
            };
            end: string;
            /** @description true, or the largest relative error of percentiles */
            exact: boolean | Record<string, unknown>;
            /** @enum {unknown} */
            from: "raw" | "rollup";
            rowsRead: number;
            start: string;
            timeZone: string;
            truncated: boolean;
            units: Record<string, unknown>;
            warnings: string[];
        };
        NewKey: {
            /** @description * for all orgs */
            org: string;
            origins?: string[];
            scopes: components["schemas"]["Scopes"];
        };
        OfTemplate: {
            /** @default 1000 */
            limit?: number;
            organizationId?: string;
            /** @description The value of each parameter */
            parameters?: Record<string, unknown>;
            /** @description Its name, of GET /templates */
            template: string;
        };
        OneTaken: {
            accepted: number;
            duplicates: number;
            ids: (string | null)[];
        };
        Orgs: {
            rows: {
                name?: string | null;
                organizationId: string;
                plan?: string | null;
            }[];
        };
        Prices: {
            rows: {
                /** @description * for every org without a price of its own */
                organizationId: string;
                /** @description USD for one unit */
                price: number;
                /** @description The first instant at which it holds */
                since: string;
                sku: string;
                unit: string;
            }[];
        };
        Problem: {
            /** @description One sentence that says what to change */
            detail: string;
            field?: string;
            status: number;
            title: string;
        };
        Question: {
            /** @enum {unknown} */
            dataset?: "events" | "logs" | "all";
            /** @description The same; exclusive, and at most 760 days later */
            end: string;
            /** @default false */
            exact?: boolean;
            filters?: {
                field: components["schemas"]["Field"];
                /** @enum {unknown} */
                op: "eq" | "neq" | "in" | "contains" | "exists";
                values: unknown[];
            }[];
            groupBy?: components["schemas"]["Group"] | components["schemas"]["Group"][];
            /** @default 1000 */
            limit?: number;
            metrics?: ("count" | "errors" | "errorRate" | "users" | "sessions" | "avg" | "max" | "p50" | "p95" | "p99" | "quantity" | "cost" | "tokensIn" | "tokensOut" | "tokensCached" | "cached" | "unpriced")[];
            /** @description A column of the answer, - before it for descending order */
            orderBy?: string;
            /** @description For a key of all orgs */
            organizationId?: string;
            /** @description RFC 3339, or such as -7d, -24h, now */
            start: string;
            /**
             * @description A name such as Europe/Berlin
             * @default UTC
             */
            timeZone?: string;
        };
        Realtime: {
            avg_response_time: number | null;
            error_count: number;
            meta: components["schemas"]["Meta"];
            total_requests: number;
            window_seconds: number;
        };
        Scopes: ("ingest" | "query" | "admin")[];
        Table: {
            meta: components["schemas"]["Meta"];
            rows: Record<string, unknown>[];
        };
        Taken: {
            accepted: number;
            duplicates: number;
            ids: (string | null)[];
            refused: {
                index: number;
                reason: string;
            }[];
        };
        Templates: {
            rows: {
                description: string;
                name: string;
                parameters: {
                    default?: unknown;
                    description?: string;
                    name: string;
                    required: boolean;
                    /** @enum {unknown} */
                    type: "instant" | "integer" | "number" | "text" | "key";
                }[];
            }[];
        };
    };
    responses: {
        /** @description What to change: 400, 401, 403, 404, 405, 413, 415, 422; later again: 429 and 503, with retry-after */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /**
         * @description Makes ids for events that have a timestamp and no id: sent again, they are duplicates
         * @example request-1
         */
        "Idempotency-Key": string;
        /** @example 30 */
        days: number;
        /** @example 7 */
        daysOfHours: number;
        /** @example user_123 */
        id: string;
        /**
         * @description Required with a key of all orgs
         * @example org_456
         */
        organizationId: string;
        /** @example aig_12345678 */
        prefix: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    sendEventsToStream: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes ids for events that have a timestamp and no id: sent again, they are duplicates
                 * @example request-1
                 */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example [
                 *       {
                 *         "event_name": "tool_success",
                 *         "metadata": {
                 *           "tool_name": "search"
                 *         },
                 *         "user_id": {
                 *           "login": "ada"
                 *         }
                 *       }
                 *     ]
                 */
                "application/json": components["schemas"]["Batch"];
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Taken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    usage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "end": "now",
                 *       "groupBy": "plan",
                 *       "organizationId": "org_456",
                 *       "start": "-30d"
                 *     }
                 */
                "application/json": components["schemas"]["FixedQuestion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    sendEvent: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes ids for events that have a timestamp and no id: sent again, they are duplicates
                 * @example request-1
                 */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "event": "api.request",
                 *       "performance": {
                 *         "duration": 45.5,
                 *         "statusCode": 200
                 *       },
                 *       "properties": {
                 *         "method": "GET",
                 *         "path": "/api/users"
                 *       },
                 *       "userId": "user_123"
                 *     }
                 */
                "application/json": components["schemas"]["Event"];
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneTaken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    sendEvents: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes ids for events that have a timestamp and no id: sent again, they are duplicates
                 * @example request-1
                 */
                "Idempotency-Key"?: components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example [
                 *       {
                 *         "event": "auth_success",
                 *         "userId": "user_123"
                 *       },
                 *       {
                 *         "event": "usage.tracked",
                 *         "organizationId": "org_456",
                 *         "usage": {
                 *           "quantity": 1500,
                 *           "sku": "ai-text",
                 *           "unit": "tokens"
                 *         }
                 *       }
                 *     ]
                 */
                "application/json": components["schemas"]["Batch"];
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Taken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    listKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Keys"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "org": "acme",
                 *       "origins": [
                 *         "https://app.example"
                 *       ],
                 *       "scopes": [
                 *         "ingest",
                 *         "query"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MadeKey"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example aig_12345678 */
                prefix: components["parameters"]["prefix"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    cohorts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "end": "now",
                 *       "period": "week",
                 *       "start": "-28d"
                 *     }
                 */
                "application/json": components["schemas"]["Cohorts"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    costs: {
        parameters: {
            query?: {
                /** @example 30 */
                days?: components["parameters"]["days"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    errors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "end": "now",
                 *       "start": "-24h"
                 *     }
                 */
                "application/json": components["schemas"]["FixedQuestion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    performance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "end": "now",
                 *       "groupBy": [
                 *         "hour",
                 *         "endpoint"
                 *       ],
                 *       "start": "-24h"
                 *     }
                 */
                "application/json": components["schemas"]["FixedQuestion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    pipeline: {
        parameters: {
            query?: {
                /** @example 7 */
                days?: components["parameters"]["daysOfHours"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    realtime: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Realtime"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "end": "now",
                 *       "groupBy": "day",
                 *       "start": "-7d"
                 *     }
                 */
                "application/json": components["schemas"]["FixedQuestion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    listOrgs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Orgs"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    setOrgs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "rows": [
                 *         {
                 *           "name": "Example, Inc.",
                 *           "organizationId": "org_456",
                 *           "plan": "free"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Orgs"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    listPrices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Prices"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    setPrices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "rows": [
                 *         {
                 *           "organizationId": "*",
                 *           "price": 0.000002,
                 *           "since": "2026-11-01T00:00:00Z",
                 *           "sku": "ai-text",
                 *           "unit": "tokens"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Prices"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    query: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "dataset": "all",
                 *       "end": "now",
                 *       "filters": [
                 *         {
                 *           "field": "metadata.team",
                 *           "op": "eq",
                 *           "values": [
                 *             "search"
                 *           ]
                 *         }
                 *       ],
                 *       "groupBy": [
                 *         "day",
                 *         "name",
                 *         "metadata.team"
                 *       ],
                 *       "limit": 100,
                 *       "metrics": [
                 *         "count",
                 *         "errorRate",
                 *         "p95",
                 *         "cost"
                 *       ],
                 *       "orderBy": "-count",
                 *       "start": "-7d",
                 *       "timeZone": "Europe/Berlin"
                 *     }
                 */
                "application/json": components["schemas"]["AnyQuestion"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Table"];
                    "text/csv": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    listTemplates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Templates"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    eraseUser: {
        parameters: {
            query?: {
                /**
                 * @description Required with a key of all orgs
                 * @example org_456
                 */
                organizationId?: components["parameters"]["organizationId"];
            };
            header?: never;
            path: {
                /** @example user_123 */
                id: components["parameters"]["id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erased"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
}

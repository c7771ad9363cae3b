/* The names of the platform's C SDK that its callers use. */
#ifndef TOPSDK_H
#define TOPSDK_H

typedef struct TaobaoClient *pTaobaoClient;
typedef struct TopRequest *pTopRequest;
typedef struct TopResponse { int code; } *pTopResponse;
typedef struct TopResponseIterator *pTopResponseIterator;
typedef struct ResultItem { char *key; char *value; } *pResultItem;

pTaobaoClient alloc_taobao_client(const char *url, const char *appkey, const char *appsecret);
void destroy_taobao_client(pTaobaoClient client);
pTopRequest alloc_top_request(void);
void destroy_top_request(pTopRequest request);
int set_api_name(pTopRequest request, const char *name);
int add_param(pTopRequest request, const char *key, const char *value);
pTopResponse top_execute(pTaobaoClient client, pTopRequest request, const char *session);
void destroy_top_response(pTopResponse response);
pTopResponseIterator init_response_iterator(pTopResponse response);
void destroy_response_iterator(pTopResponseIterator iterator);
pResultItem alloc_result_item(void);
void destroy_result_item(pResultItem item);
int parseNext(pTopResponseIterator iterator, pResultItem item);

#endif

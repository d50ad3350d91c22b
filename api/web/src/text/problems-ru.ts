import { POSTPONED_BECAUSE } from '../../../../shared/contracts/job-order.ts';
import type { ErrorCode } from '../../../../shared/errors.ts';

/** The Russian text of each error code. `{limit}` and others are members of the problem. */
export const problemsRu: Readonly<Record<ErrorCode, string>> = {
  no_file: 'Файл не приложен.',
  empty_file: 'Файл пуст.',
  unexpected_field: 'Неизвестное поле формы: {field}.',
  unsupported_type: 'Файлы этого типа ({seen}) не поддерживаются. Поддерживаются: {allowed}.',
  too_costly: 'Обработка заняла бы слишком много времени: около {seen} с, допускается не больше {limit} с.',
  file_too_large: 'Файл слишком большой: допускается не больше {limit}.',
  body_too_large: 'Запрос слишком большой: допускается не больше {limit}.',
  too_many_files: 'Слишком много файлов в одном запросе: допускается не больше {limit}.',
  too_many_fields: 'Слишком много полей формы, или поле слишком длинное (предел — {limit}).',
  malformed_multipart: 'Форма повреждена или собрана неверно.',
  malformed_request: 'Запрос составлен неверно.',
  unsupported_encoding: 'Тело запроса сжато, а принимается только несжатое.',
  url_too_long: 'Слишком длинный URL.',
  headers_too_large: 'Слишком большие заголовки запроса.',
  invalid_parameter: 'Неверное значение параметра {parameter}.',
  idempotency_key_reused: 'Этот Idempotency-Key уже использован для другой загрузки.',
  idempotency_key_in_use: 'Загрузка с этим Idempotency-Key ещё не закончилась. Повторите чуть позже.',
  rate_limited: 'Слишком много загрузок с этого адреса: не больше {limit} в минуту.',
  too_many_connections: 'Слишком много соединений с этого адреса: допускается не больше {limit}.',
  request_timeout: 'Запрос передавался слишком долго.',
  webhooks_not_set_up: 'Вебхуки не настроены: не задан WEBHOOK_SECRET.',
  unauthorized: 'Токен не указан или не подходит.',
  token_not_set: 'Для этого действия нужен токен, а в системе он не задан. Задайте API_TOKEN в .env.',
  not_found: 'По этому адресу ничего нет.',
  host_not_allowed:
    'Сервис не отвечает под этим именем хоста. Откройте страницу через localhost или добавьте имя в ALLOWED_HOSTS.',
  cross_site: 'Страницам других сайтов нельзя отправлять такие запросы.',
  job_removed: 'Срок хранения задания истёк: оно удалено вместе с изображениями.',
  job_not_found: 'Нет задания с таким идентификатором.',
  not_ready: 'Задание ещё не завершено.',
  job_failed: 'Задание завершилось ошибкой, результата нет.',
  record_damaged: 'Запись об этом задании в хранилище повреждена.',
  image_damaged: 'Изображение в хранилище не совпадает с записью о нём.',
  result_gone: 'Файлы этого задания удалены.',
  not_in_dlq: 'Этого задания уже нет среди недоставленных.',
  not_replayable: 'В этом сообщении нет корректного задания: повторить его нельзя, можно только удалить.',
  replay_running: 'Другой повтор ещё не закончился. Дождитесь его завершения.',
  worker_not_running: 'Воркер с таким именем не работает.',
  method_not_allowed: 'Этот метод здесь не поддерживается.',
  broker_unavailable: 'RabbitMQ недоступен или не принимает сообщения. Повторите чуть позже.',
  publish_unconfirmed: 'RabbitMQ не подтвердил сообщение вовремя: неизвестно, попало ли оно в очередь.',
  store_unavailable: 'Хранилище изображений недоступно. Повторите чуть позже.',
  overloaded: 'Слишком много запросов одновременно. Повторите чуть позже.',
  queue_full: 'Очередь заполнена. Повторите чуть позже.',
  out_of_space: 'На сервере не хватает места для загрузки.',
  not_caught_up: 'Сервис запускается и ещё читает журнал событий. Повторите чуть позже.',
  internal_error: 'Внутренняя ошибка API. Подробности — в его журнале.',
  upgrade_required: 'По этому адресу доступен только WebSocket.',
  // Why a job fails.
  undecodable_image: 'Не удалось декодировать изображение: файл повреждён или не соответствует своему типу.',
  image_too_large: 'Изображение слишком большое: слишком много пикселей, проходов JPEG (scans) или блоков.',
  output_too_large: 'Результат получился бы слишком большим.',
  invalid_job: 'Сообщение с заданием не соответствует формату.',
  original_missing: 'Оригинала нет в хранилище.',
  original_damaged: 'Оригинал в хранилище не совпадает с загруженным файлом.',
  deadline_exceeded: 'Обработка изображения не уложилась в отведённое время.',
  slow_image:
    'Обработка этого изображения занимает много времени: оно ждёт в очереди для медленных изображений.',
  memory_exceeded: 'Обработке изображения не хватило отведённой памяти.',
  engine_crashed: 'Процесс, обрабатывавший изображение, аварийно завершился.',
  workers_died: 'Все воркеры, которые брали это задание, аварийно завершились.',
  processing_failed: 'Изображение не удалось обработать.',
};

/** The Russian text of each reason for a postponement. */
export const reasonsRu: ReadonlyMap<string, string> = new Map([
  // Of earlier versions.
  [
    'Another slow image is being processed on this worker.',
    'На этом воркере уже обрабатывается другое медленное изображение.',
  ],
  [POSTPONED_BECAUSE, 'На этом воркере изображение превысило предел, поэтому его возьмёт другой воркер.'],
]);
